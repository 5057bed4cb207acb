import { describe, expect, it } from '@jest/globals';
import { figure, renderReport, replaceReport } from './report.js';

const row = { what: 'calls', result: '1 | 2', beside: 'two\nlines', how: 'x' };

describe('the report', () => {
  it('is a table whose cells cannot break it', () => {
    expect(renderReport([row], 'Measured here.').split('\n')).toEqual([
      'Measured here.', '', '| what | result | beside it | how |', '|---|---|---|---|', '| calls | 1 \\| 2 | two lines | x |',
    ]);
  });

  it('replaces what stands between the markers, and only that', () => {
    const document = '# Performance\n\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n\nafter\n';
    const once = replaceReport(document, 'new');
    expect(once).toBe('# Performance\n\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\n\nafter\n');
    expect(replaceReport(once, 'new')).toBe(once);
    expect(() => replaceReport('no markers', 'new')).toThrow('has no');
  });

  it('shows as many digits as mean something', () => {
    expect([1234.5, 99.96, 3.14159, 0.1234, 0, NaN].map(figure)).toEqual(['1,235', '100', '3.1', '0.12', '0', '–']);
  });
});
