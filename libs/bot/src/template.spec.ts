import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { renderTemplate, resolvePath } from './template.js';

const scope = { crm: { name: 'Ann', amount: '42', address: '{"city":"Oslo"}', sneaky: '{{crm.name}}' }, call: { name: 'call-name', from: '+47' }, system: { date: '2026-01-05' } };

describe('templates', () => {
  it('fills in values, deep paths and bare names', () => {
    expect(renderTemplate('Hi {{crm.name}} from {{ crm.address.city }}, {{date}}, {{from}}, {{name}}', scope).text)
      .toBe('Hi Ann from Oslo, 2026-01-05, +47, Ann');
  });
  it('writes values as the surrounding text has them', () => {
    expect(renderTemplate('https://x.example/{{crm.address.city}}?q={{crm.nope}}', { crm: { address: '{"city":"Ås/2"}' } }, 'empty', encodeURIComponent).text).toBe('https://x.example/%C3%85s%2F2?q=');
  });
  it('expands once only', () => { expect(renderTemplate('{{crm.sneaky}}', scope).text).toBe('{{crm.name}}'); });
  it('leaves unknown placeholders literal, or empty on request, and lists them', () => {
    expect(renderTemplate('a {{crm.nope}} b', scope)).toEqual({ text: 'a {{crm.nope}} b', unresolved: ['crm.nope'] });
    expect(renderTemplate('a {{crm.nope}} b', scope, 'empty').text).toBe('a  b');
  });
  it.each(['crm.__proto__', '__proto__', 'crm.constructor', 'constructor.name', 'crm.name.length', 'crm.toString', '', '.', 'crm.', 'crm..name'])(
    'resolves no inherited or malformed path: %j', (path) => { expect(resolvePath(path, scope)).toBeUndefined(); });
  it('a value can never open a template', () => {
    fc.assert(fc.property(fc.string(), (value) => { expect(renderTemplate('<{{crm.x}}>', { crm: { x: value } }).text).toBe(`<${value}>`); }));
  });
});
