// Numbers, money, times and names as people read them.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);

export const counted = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? '' : 's'}`;

/** As many digits as matter: $1,240, $41.20, $0.0031, $0. */
export function money(usd: number): string {
  const size = Math.abs(usd);
  if (size === 0) return '$0';
  if (size >= 1000) return `$${whole.format(usd)}`;
  if (size >= 1) return `$${usd.toFixed(2)}`;
  if (size >= 0.01) return `$${usd.toFixed(3).replace(/0$/, '')}`;
  const digits = Math.min(9, Math.max(4, Math.ceil(-Math.log10(size)) + 1));
  return `$${usd.toFixed(digits).replace(/0+$/, '')}`;
}

/** 42 s, 7 min 50 s, 3 h 5 min, 2 d 4 h. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 && s < 600 ? ` ${s % 60} s` : ''}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h${s % 3600 >= 60 ? ` ${Math.floor((s % 3600) / 60)} min` : ''}`;
  return `${Math.floor(s / 86_400)} d${s % 86_400 >= 3600 ? ` ${Math.floor((s % 86_400) / 3600)} h` : ''}`;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = size;
  let unit = -1;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return '0/s';
  if (perSecond >= 100) return `${whole.format(perSecond)}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return `${(perSecond * 60).toFixed(1)}/min`;
}

export const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)} %`;

/** 5 s ago, 3 min ago, 2 h ago, 4 d ago; a date beyond a month. */
export function ago(iso: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  if (seconds < 30 * 86_400) return `${Math.round(seconds / 86_400)} d ago`;
  return new Date(iso).toLocaleDateString();
}

export const exactTime = (iso: string): string =>
  new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });

export const clock = (iso: string): string => new Date(iso).toLocaleTimeString(undefined, { hour12: false });

/** Long names are cut in the middle: the end tells files apart. */
export function cut(name: string, most: number): string {
  if (name.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return `${name.slice(0, most - 1 - tail)}…${name.slice(name.length - tail)}`;
}

/** document_completed → document completed. */
export const words = (name: string): string => name.replaceAll('_', ' ');

/** /line_items/0/amount → line items › 1 › amount. */
export const fieldName = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) =>
      /^\d+$/.test(part) ? String(Number(part) + 1) : words(part.replaceAll('~1', '/').replaceAll('~0', '~')),
    )
    .join(' › ');
