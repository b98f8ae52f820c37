import { describe, expect, it } from 'vitest';
import { ago, bytes, cut, duration, fieldName, money, rate } from './format';

describe('money', () => {
  it('has as many digits as matter', () => {
    expect(money(0)).toBe('$0');
    expect(money(1240.4)).toBe('$1,240');
    expect(money(41.2)).toBe('$41.20');
    expect(money(0.0031)).toBe('$0.0031');
    expect(money(0.5)).toBe('$0.50');
    expect(money(0.000012)).toBe('$0.000012');
  });
});

describe('times', () => {
  it('are read at a glance', () => {
    expect(duration(42)).toBe('42 s');
    expect(duration(470)).toBe('7 min 50 s');
    expect(duration(11_100)).toBe('3 h 5 min');
    expect(duration(187_200)).toBe('2 d 4 h');
    expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:03:00Z'))).toBe('3 min ago');
  });
});

describe('names', () => {
  it('keep their ends', () => {
    expect(cut('a-very-long-name-of-a-file.pdf', 15)).toBe('a-very-…ile.pdf');
    expect(cut('short.pdf', 15)).toBe('short.pdf');
    expect(fieldName('/line_items/0/unit~1price')).toBe('line items › 1 › unit/price');
  });
});

describe('sizes and speeds', () => {
  it('have units', () => {
    expect(bytes(999)).toBe('999 B');
    expect(bytes(1_200_000)).toBe('1.2 MB');
    expect(rate(1635)).toBe('1,635/s');
    expect(rate(0.5)).toBe('30.0/min');
  });
});
