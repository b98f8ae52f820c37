import { expect, test } from 'vitest';
import { merged } from './lines';

const lines = (...ids: number[]) => ids.map((id) => ({ id }));

test('what came by the stream first is not lost when the answer comes', () => {
  expect(merged(lines(4, 5), lines(1, 2, 3, 4))).toEqual(lines(1, 2, 3, 4, 5));
  expect(merged(lines(1, 2), lines(2, 3))).toEqual(lines(1, 2, 3));
  expect(merged(lines(1, 2), [])).toEqual(lines(1, 2));
  expect(merged([], lines(7))).toEqual(lines(7));
});

test('the oldest lines are let go', () => {
  const many = Array.from({ length: 1_200 }, (_, id) => ({ id: id + 1 }));
  const kept = merged(many, lines(1_201));
  expect([kept.length, kept[0]?.id, kept.at(-1)?.id]).toEqual([1_000, 202, 1_201]);
});
