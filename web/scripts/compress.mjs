// Packs every text of the build once, so that the server never has to; and holds the first load to its limit.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT = 300 * 1024;
const dist = new URL('../dist/', import.meta.url).pathname;

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

const packed = new Map();
for (const path of files(dist)) {
  if (!/\.(js|css|svg|json|txt)$/.test(path)) continue;
  const bytes = gzipSync(readFileSync(path), { level: 9 });
  writeFileSync(`${path}.gz`, bytes);
  packed.set(path.slice(dist.length), bytes.length);
}

// What a first visit loads: the page, what it names, and the code of the first route.
const page = readFileSync(join(dist, 'index.html'), 'utf8');
const named = [...page.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g)].map((match) => match[1]);
const first = new Set(named);
for (const name of packed.keys()) if (/assets\/(Batches)-/.test(name)) first.add(name);
const total = [...first].reduce((sum, name) => sum + (packed.get(name) ?? 0), gzipSync(page).length);
console.log(
  `first load: ${(total / 1024).toFixed(1)} KiB gzipped in ${first.size + 1} files (limit ${LIMIT / 1024} KiB)`,
);
if (total > LIMIT) {
  console.error('the first load is too large');
  process.exit(1);
}
