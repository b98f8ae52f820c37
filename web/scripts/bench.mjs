// Measures the dashboard as a person meets it: a real server, a real browser.
// Sizes and times on this machine; times are given beside that of an empty page of the same server, because machines differ.
// DOCUMENTS=1000000 LIVE=10000 MINUTES=30 node scripts/bench.mjs
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';

const DOCUMENTS = Number(process.env.DOCUMENTS ?? 1_000_000);
const LIVE = Number(process.env.LIVE ?? 10_000);
const MINUTES = Number(process.env.MINUTES ?? 30);
const target = process.env.CARGO_TARGET_DIR ?? new URL('../../target', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'docmill-bench-'));
const server = spawn(
  join(target, 'release/docmill'),
  ['serve', '--data-dir', join(folder, 'data'), '--listen', '127.0.0.1:0', '--root', folder],
  {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, RUST_LOG: 'warn' },
  },
);
const base = await new Promise((resolve, reject) => {
  server.stderr.on('data', (data) => {
    const found = data.toString().match(/http:\/\/127\.0\.0\.1:\d+/);
    if (found) resolve(found[0]);
  });
  server.on('exit', () => reject(new Error('the server ended')));
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--js-flags=--expose-gc',
  ],
});
const api = async (path, body) => {
  const answer = await fetch(
    `${base}/api/v1${path}`,
    body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  );
  return answer.json();
};
const until = async (what, limit = 3_600_000) => {
  const from = Date.now();
  while (!(await what())) {
    if (Date.now() - from > limit) throw new Error('it took too long');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
};
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const worst = (list) => Math.max(...list);
const show = (name, value) => console.log(`${name.padEnd(52)} ${value}`);
const pile = (name, documents) => {
  for (let number = 0; number < documents; number += 1) {
    const below = join(folder, name, String(Math.floor(number / 10_000)));
    if (number % 10_000 === 0) mkdirSync(below, { recursive: true });
    writeFileSync(
      join(below, `receipt-${String(number).padStart(7, '0')}.txt`),
      `RECEIPT ${name} ${number}\nThe Corner Shop\nTOTAL ${number % 97}.50 EUR\n`,
    );
  }
  return join(folder, name);
};

try {
  // First load: what comes over the wire, and until the list is there.
  const loads = [];
  let bytes = 0;
  for (let round = 0; round < 5; round += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    bytes = 0;
    session.on('Network.loadingFinished', (event) => {
      bytes += event.encodedDataLength;
    });
    const from = performance.now();
    await page.goto(base);
    await page.getByText('No batches yet').waitFor();
    loads.push(performance.now() - from);
    await context.close();
  }
  const plain = [];
  for (let round = 0; round < 5; round += 1) {
    const page = await browser.newPage();
    const from = performance.now();
    await page.goto(`${base}/healthz`);
    plain.push(performance.now() - from);
    await page.close();
  }
  show('first load, over the wire', `${(bytes / 1024).toFixed(0)} KiB`);
  show(
    'first load, until the list is there',
    `${median(loads).toFixed(0)} ms (${(median(loads) / median(plain)).toFixed(1)} times an empty page)`,
  );

  // Pages of a large batch: from the click until other rows are shown.
  const large = await api('/batches', {
    sources: [pile('large', DOCUMENTS)],
    template: 'receipt',
    model: 'sim/openai/gpt-4o-mini',
  });
  await until(async () => (await api(`/batches/${large.id}`)).documents.total >= DOCUMENTS);
  const job = (await api(`/batches/${large.id}/jobs`)).jobs[0];
  await fetch(`${base}/api/v1/jobs/${job.id}/cancel`, { method: 'POST' });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const times = { next: [], jump: [], sort: [], search: [] };
  await page.goto(`${base}/batches/${large.id}/documents`);
  const showing = page.getByTestId('showing');
  await showing.getByText('Showing 1–100').waitFor();
  // Measured inside the page, from the event until the frame with the new text.
  const change = (act) =>
    page.evaluate(
      ({ act }) =>
        new Promise((resolve) => {
          const status = document.querySelector('[data-testid=showing]');
          const first = () =>
            document.querySelector('[data-testid=documents] tbody tr')?.textContent + status.textContent;
          const before = first();
          const from = performance.now();
          const look = () => (first() !== before ? resolve(performance.now() - from) : requestAnimationFrame(look));
          // biome-ignore lint/security/noGlobalEval: the benchmark's own words
          eval(act);
          requestAnimationFrame(look);
        }),
      { act },
    );
  for (let round = 0; round < 15; round += 1) {
    times.next.push(await change(`document.querySelector('[aria-label="Next page"]').click()`));
    await page.waitForTimeout(300);
  }
  for (let round = 0; round < 8; round += 1) {
    const wanted = 1 + ((round * 1_237) % Math.floor(DOCUMENTS / 100));
    await page.getByLabel('Page', { exact: true }).first().fill(String(wanted));
    times.jump.push(await change(`document.querySelector('[aria-label="Page"]').form.requestSubmit()`));
    await page.waitForTimeout(200);
  }
  for (let round = 0; round < 6; round += 1) {
    times.sort.push(
      await change(`[...document.querySelectorAll('.sort')].find((it) => it.textContent.startsWith('Name')).click()`),
    );
    await page.waitForTimeout(200);
  }
  show(
    `next page of ${DOCUMENTS.toLocaleString('en')} documents`,
    `median ${median(times.next).toFixed(0)} ms, worst ${worst(times.next).toFixed(0)} ms`,
  );
  show(
    'jump to a page by its number',
    `median ${median(times.jump).toFixed(0)} ms, worst ${worst(times.jump).toFixed(0)} ms`,
  );
  show('sort by name', `median ${median(times.sort).toFixed(0)} ms, worst ${worst(times.sort).toFixed(0)} ms`);
  await page.close();

  // Heap of the batch page while a batch of 10,000 runs.
  const seconds = MINUTES * 60;
  const live = await api('/batches', {
    sources: [pile('live', LIVE)],
    template: 'receipt',
    model: 'sim/openai/gpt-4o-mini',
    sim_speed: 1,
    // As many calls at once as make it last that long, at about a second and a half each.
    concurrency: Math.max(1, Math.round((LIVE * 1.5) / seconds)),
    start: true,
  });
  await until(async () => (await api(`/batches/${live.id}`)).state === 'running');
  const watched = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const session = await watched.context().newCDPSession(watched);
  let requests = 0;
  watched.on('request', () => {
    requests += 1;
  });
  await watched.goto(`${base}/batches/${live.id}`);
  await watched.locator('[data-connection=live]').waitFor();
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize / 1024 / 1024;
  };
  const first = await heap();
  requests = 0;
  await watched.waitForTimeout(seconds * 1000);
  const last = await heap();
  const row = await api(`/batches/${live.id}`);
  show('live batch page, JS heap at first', `${first.toFixed(1)} MiB`);
  show(
    `live batch page, JS heap after ${MINUTES} minutes`,
    `${last.toFixed(1)} MiB (${row.documents.completed.toLocaleString('en')} documents completed, ${(requests / seconds).toFixed(2)} requests a second)`,
  );
} finally {
  await browser.close();
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
