import { expect, it } from 'vitest';
import { join, put } from './pointer';

it('changes one value and leaves the rest as it was', () => {
  const before = { a: 1, list: [{ x: 1 }, { x: 2 }] };
  expect(put(before, '/list/1/x', 3)).toEqual({ a: 1, list: [{ x: 1 }, { x: 3 }] });
  expect(put(before, '/list/0', undefined)).toEqual({ a: 1, list: [{ x: 2 }] });
  expect(put(before, '/a', undefined)).toEqual({ list: [{ x: 1 }, { x: 2 }] });
  expect(before.list).toHaveLength(2);
});

it('escapes what means something', () => {
  expect(join('', 'a/b~c')).toBe('/a~1b~0c');
  expect(put({}, join('', 'a/b~c'), 1)).toEqual({ 'a/b~c': 1 });
});
