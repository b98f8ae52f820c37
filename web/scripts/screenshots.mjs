// Takes a picture of every page, light and dark, wide and narrow, from a server with something to show.
// node scripts/screenshots.mjs http://127.0.0.1:7878 FOLDER
import { mkdirSync } from 'node:fs';
import { chromium } from '@playwright/test';

const [base = 'http://127.0.0.1:7878', folder = 'screenshots', only = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

const list = await (await fetch(`${base}/api/v1/batches?sort=documents&limit=50`)).json();
const batches = list.batches;
const shown =
  batches.find((batch) => batch.state === 'running') ??
  batches.find((batch) => batch.documents.failed > 0) ??
  batches[0];
const reviewed =
  batches.find((batch) => batch.documents.completed > 0 && batch.model === 'offline' && batch.template === 'invoice') ??
  shown;
const pages = {
  batches: '/',
  new: '/new',
  review: '/review',
  analytics: '/analytics',
  templates: '/templates',
  alerts: '/alerts',
  reference: '/reference',
  settings: '/settings',
};
if (shown) {
  pages.batch = `/batches/${shown.id}`;
  pages.documents = `/batches/${shown.id}/documents`;
  const ready = batches.find((batch) => batch.state === 'ready');
  if (ready) pages.estimate = `/new?batch=${ready.id}`;
}
if (reviewed) pages.document = `/batches/${reviewed.id}/documents/${reviewed.documents.total > 3 ? 2 : 1}`;

for (const [name, width, scheme] of [
  ['light', 1440, 'light'],
  ['dark', 1440, 'dark'],
  ['narrow', 390, 'light'],
  ['narrow-dark', 390, 'dark'],
]) {
  const page = await browser.newPage({ viewport: { width, height: width > 800 ? 900 : 844 }, colorScheme: scheme });
  page.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
  page.on(
    'response',
    (answer) => answer.status() >= 400 && console.error(`${name}: ${answer.status()} ${answer.url()}`),
  );
  for (const [what, path] of Object.entries(pages)) {
    if (only && !only.split(',').includes(what)) continue;
    await page.goto(base + path);
    await page.waitForLoadState('load');
    await page.locator('h1').first().waitFor();
    await page
      .locator('[aria-busy=true]')
      .first()
      .waitFor({ state: 'detached', timeout: 5000 })
      .catch(() => {});
    await page.waitForTimeout(700);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
    if (wide) console.error(`${name} ${what}: wider than the window`);
    await page.screenshot({ path: `${folder}/${what}-${name}.png` });
  }
  await page.close();
}
await browser.close();
