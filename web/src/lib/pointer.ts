// Values inside a result, by JSON Pointer (RFC 6901).

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const decode = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');
const encode = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

export const join = (pointer: string, name: string | number): string => `${pointer}/${encode(String(name))}`;

const parts = (pointer: string): string[] => (pointer === '' ? [] : pointer.split('/').slice(1).map(decode));

/** A copy of the result with one value changed; undefined takes it out. */
export function put(root: Json, pointer: string, value: Json | undefined): Json {
  const change = (node: Json, path: string[]): Json => {
    const [name, ...rest] = path;
    if (name === undefined) return value ?? null;
    if (Array.isArray(node)) {
      const copy = [...node];
      const index = Number(name);
      if (rest.length === 0 && value === undefined) copy.splice(index, 1);
      else copy[index] = change(copy[index] ?? null, rest);
      return copy;
    }
    const copy: { [name: string]: Json } = node !== null && typeof node === 'object' ? { ...node } : {};
    if (rest.length === 0 && value === undefined) delete copy[name];
    else copy[name] = change(copy[name] ?? null, rest);
    return copy;
  };
  return change(root, parts(pointer));
}

/** The value at a place; undefined: there is none. */
export function value(root: Json, pointer: string): Json | undefined {
  let node: Json | undefined = root;
  for (const name of parts(pointer)) {
    if (node === null || typeof node !== 'object') return undefined;
    node = Array.isArray(node) ? node[Number(name)] : node[name];
  }
  return node;
}
