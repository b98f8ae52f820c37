import { describe, expect, it } from 'vitest';
import { condition, fromTyped, shownAs, tsv } from './values';

describe('values', () => {
  it('are shown and read back', () => {
    for (const [value, text, kind] of [
      [12.5, '12.5', 'number'],
      [7, '7', 'integer'],
      [true, 'yes', 'boolean'],
      [null, '', 'text'],
      ['Corner Shop', 'Corner Shop', 'text'],
    ] as const) {
      expect(shownAs(value)).toBe(text);
      expect(fromTyped(text, kind)).toBe(value);
    }
    expect(() => fromTyped('much', 'number')).toThrow('much is no number');
    expect(() => fromTyped('1.5', 'integer')).toThrow('whole number');
    expect(() => fromTyped('maybe', 'boolean')).toThrow('neither');
  });

  it('stand in conditions as the server reads them', () => {
    expect(condition({ path: 'total' }, '>', ' 12.5 ')).toBe('total > 12.5');
    expect(condition({ path: 'due date' }, 'is empty', '')).toBe('"due date" is empty');
    expect(condition({ path: 'seller.name' }, 'contains', 'A "B" and C')).toBe('seller.name contains "A ""B"" and C"');
  });

  it('are copied without breaking the table', () => {
    expect(
      tsv([
        ['a', 'b\tc'],
        ['d\ne', ''],
      ]),
    ).toBe('a\tb c\nd e\t');
  });
});
