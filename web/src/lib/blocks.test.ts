import { expect, test } from 'vitest';
import { blocks } from './blocks';

const shown = (text: string) =>
  blocks(text).map((block) =>
    block.kind === 'text'
      ? text.slice(block.start, block.end)
      : block.rows.map((row) => row.map((cell) => text.slice(cell.start, cell.end))),
  );

test('tables are cut out of what is around them, rules left out', () => {
  expect(shown('Invoice 7\nMarch\n| a | b |\n| --- | ---: |\n| 1 |  |\nTotal\n')).toEqual([
    'Invoice 7\nMarch',
    [
      ['a', 'b'],
      ['1', ''],
    ],
    'Total',
  ]);
});

test('a bar that belongs to a value does not end its cell', () => {
  expect(shown('| a \\| b | c |')).toEqual([[['a \\| b', 'c']]]);
});

test('text without tables is one block, and nothing is none', () => {
  expect(shown('one\n\ntwo')).toEqual(['one\n\ntwo']);
  expect(shown('')).toEqual([]);
});
