import { describe, expect, it } from '@jest/globals';
import { stringifyVariables } from './scope.js';

describe('dialout variables', () => {
  it('become text: nested ones JSON, null nothing', () => {
    expect(stringifyVariables({ text: 'a', count: 1.5, yes: true, list: [1, { a: 'b' }], none: null })).toEqual({ text: 'a', count: '1.5', yes: 'true', list: '[1,{"a":"b"}]', none: '' });
  });
});
