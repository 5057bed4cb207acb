import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderTemplate, validateScript, type BotScript } from '@dialfleet/bot';
import { silentLogger } from '@dialfleet/kit';
import { createProviders } from '@dialfleet/providers';
import { describe, expect, it } from '@jest/globals';
import { codeBlocks, headings, relativeLinks, tableAfter } from '../harness/markdown.js';
import { documents, readText, repositoryRoot, sourceText } from './repository.js';

describe('the documentation', () => {
  it.each(documents())('%s: its links lead somewhere', (file) => {
    const dead = relativeLinks(readText(file)).filter((link) => {
      const [path, heading] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      return !existsSync(join(repositoryRoot, target)) || (heading !== undefined && !headings(readText(target)).includes(heading));
    });
    expect(dead).toEqual([]);
  });
});

describe('docs/roadmap.md', () => {
  const refused = [...(sourceText('libs') + sourceText('apps')).matchAll(/([\w ,]+) (?:is|are) not supported yet/g)].map((match) => match[1].trim());

  it('names everything that is refused for now', () => {
    const roadmap = readText('docs/roadmap.md').replaceAll('\n', ' ');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter((what) => !roadmap.includes(what))).toEqual([]);
  });
});

describe('the script of docs/scripts.md', () => {
  const text = readText('docs/scripts.md');
  const [script, analysis] = codeBlocks(text, 'json').map((block) => JSON.parse(block) as Record<string, unknown>);
  const openingMessage = /opening message:\n"(.*)"/.exec(text)?.[1] ?? '';
  const signal = new AbortController().signal;

  it('is accepted', () => { expect(validateScript(script)).toMatchObject({ ok: true }); });

  it('leads to the conversation that is shown, and to its analysis', async () => {
    const brain = createProviders({ logger: silentLogger }).llm({ provider: 'script', options: {} });
    const render = (template: string, slot: Record<string, unknown> = {}): string => renderTemplate(template, { crm: { name: 'Maria', day: 'Monday' }, slot }).text;
    const talk = brain.converse({
      systemPrompt: '', openingMessage, script: (validateScript(script) as { script: BotScript }).script, language: 'en-US', timezone: 'UTC', render, nowMs: () => Date.UTC(2026, 10, 23, 10),
    });
    const messages: { role: 'assistant' | 'user'; content: string }[] = [{ role: 'assistant', content: render(openingMessage) }];
    const shown = tableAfter(text, '| who | says |').map(([who, says]) => ({ role: who === 'bot' ? 'assistant' as const : 'user' as const, content: says }));
    for (const { role, content } of shown) {
      if (role === 'assistant') continue;
      messages.push({ role, content });
      let reply = '';
      for await (const delta of talk.reply({ messages, signal })) if (delta.type === 'text') reply += delta.text;
      messages.push({ role: 'assistant', content: reply.trim() });
    }
    expect(messages).toEqual(shown);
    const transcript = messages.map(({ role, content }) => ({ speaker: role === 'user' ? 'customer' as const : 'bot' as const, text: content }));
    expect(await brain.extract({ transcript, notes: talk.notes(), prompt: '', schema: null, signal })).toEqual(analysis);
  });
});
