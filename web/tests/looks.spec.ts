// Every page, light and dark, wide and narrow: nothing wider than the window, nothing axe finds.

import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, samples, test } from './server';

for (const [name, width, colorScheme] of [
  ['light', 1440, 'light'],
  ['dark and narrow', 390, 'dark'],
] as const) {
  test.describe(name, () => {
    test.use({ viewport: { width, height: 844 }, colorScheme });

    test('every page is whole and accessible', async ({ page, server }) => {
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (line) => {
        if (line.text().includes('Content Security Policy')) problems.push(line.text());
      });
      const done = await server.batch(join(samples, 'receipts'), { start: true }, null);
      await expect
        .poll(async () => (await server.get<{ state: string }>(`/batches/${done}`)).state)
        .toMatch(/^completed/);
      const ready = await server.batch(
        join(samples, 'contracts'),
        { template: 'contract', model: 'sim/openai/gpt-4o-mini' },
        'ready',
      );
      const pages = [
        '/',
        '/new',
        `/new?batch=${ready}`,
        `/batches/${done}`,
        `/batches/${done}/documents`,
        `/batches/${done}/documents/2`,
        '/review',
        '/analytics',
        '/templates',
        '/alerts',
        '/reference',
        '/settings',
      ];
      for (const path of pages) {
        await page.goto(server.url + path);
        await expect(page.locator('h1').first()).toBeVisible();
        await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, `${path} is wider than the window`).toBeLessThanOrEqual(1);
        const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa']).analyze();
        const broken = found.violations.map(
          (it) =>
            `${path} ${it.id}: ${it.help} ${it.nodes
              .slice(0, 3)
              .map((node) => node.html.slice(0, 120))
              .join(' | ')}`,
        );
        expect(broken).toEqual([]);
      }
      expect(problems).toEqual([]);
    });
  });
}

test('below another path, and with a key', async ({ page, server }) => {
  await server.kill();
  server.port = 0;
  await server.start('--base-path', '/docmill');
  await page.goto(`${server.url}/docmill/`);
  await expect(page.getByText('No batches yet')).toBeVisible();
  const made = await fetch(`${server.url}/docmill/api/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sources: [server.pile('below', 2)], template: 'receipt', model: 'offline', start: true }),
  });
  const { id } = (await made.json()) as { id: string };
  await page.goto(`${server.url}/docmill/batches/${id}/documents`);
  const link = page.getByRole('link', { name: 'receipt-000001.txt' });
  await expect(link).toHaveAttribute('href', `/docmill/batches/${id}/documents/2`);
  await link.click();
  await expect(page).toHaveURL(`${server.url}/docmill/batches/${id}/documents/2`);
  await page.goto(`${server.url}/docmill/settings`);
  await page.getByRole('textbox', { name: 'Name' }).fill('ada');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const key = await page.locator('code').filter({ hasText: 'dmk_' }).innerText();
  expect(key).toMatch(/^dmk_[0-9a-f]{64}$/);

  await page.context().clearCookies();
  await page.reload();
  await page.getByLabel('Key', { exact: true }).fill('dmk_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('this is no key of this server')).toBeVisible();
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
});
