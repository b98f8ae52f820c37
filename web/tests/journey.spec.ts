// The way of a person who has documents and a budget.
import { join } from 'node:path';
import { expect, samples, test } from './server';

test('a batch from upload to an approved correction', async ({ page, server }) => {
  await page.goto(server.url);
  await expect(page.getByText('No batches yet')).toBeVisible();
  await page.getByRole('link', { name: 'Make the first batch' }).click();

  const files = ['corner-cafe.png', 'pharmacy-wellspring.pdf'].map((name) => join(samples, 'receipts', name));
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Choose files' }).click(),
  ]);
  await chooser.setFiles(files);
  await expect(page.getByTestId('preview')).toContainText('2 documents');
  await page.getByRole('textbox', { name: 'Name' }).fill('my receipts');
  await page.getByRole('button', { name: 'Count and estimate' }).click();

  await expect(page.getByRole('heading', { name: 'What it will cost' })).toBeVisible();
  await expect(page.getByText('It costs nothing: the model is free.')).toBeVisible();
  await page.getByRole('button', { name: 'Start' }).click();
  await expect(page.getByText('completed', { exact: true }).first()).toBeVisible();
  await expect(page.locator('[data-counter=completed]')).toHaveText('2');
  await expect(page.getByRole('log')).toContainText('every document is done');

  await page.getByRole('link', { name: 'Documents', exact: true }).click();
  await expect(page.getByTestId('showing')).toHaveText('Showing 1–2 of 2');
  await page.getByRole('link', { name: 'corner-cafe.png' }).click();

  // The value and its place on the page light up together.
  const total = page.locator('[data-input="/total"]');
  await expect(total).toHaveValue('19.44');
  await total.hover();
  await expect(page.locator('rect[data-field="/total"]')).toHaveAttribute('data-lit', 'true');
  await page.locator('rect[data-field="/company"]').click({ force: true });
  await expect(page.locator('[data-input="/company"]')).toBeFocused();

  // A correction is checked while it is typed, survives a reload, and is saved with the approval.
  await page.locator('[data-input="/date"]').fill('yesterday');
  await expect(page.getByText('a date like 2026-03-14')).toBeVisible();
  await page.locator('[data-input="/date"]').fill('2026-03-14');
  await page.locator('[data-input="/company"]').fill('Corner Café');
  await page.reload();
  await expect(page.locator('[data-input="/company"]')).toHaveValue('Corner Café');
  await expect(page.getByText('Not saved yet.')).toBeVisible();
  await page.getByRole('button', { name: 'Save and approve' }).click();
  await expect(page.getByText('No. 1 approved')).toBeVisible();
  await page.goBack();

  const detail = await server.get<{
    reviewed: { verdict: string; data: { company: string } };
  }>('/batches/last/documents/1');
  expect(detail.reviewed.verdict).toBe('approved');
  expect(detail.reviewed.data.company).toBe('Corner Café');

  await page.goto(`${server.url}/review`);
  await expect(page.getByText('company').first()).toBeVisible();
  await expect(page.getByRole('region', { name: 'Accuracy' })).toContainText('0 %');
});

test('pause, resume and cancel, each confirmed and felt at once', async ({ page, server }) => {
  const folder = server.pile('slow', 400);
  const id = await server.batch(
    folder,
    { model: 'sim/openai/gpt-4o-mini', sim_speed: 1, concurrency: 4, start: true },
    'running',
  );
  await page.goto(`${server.url}/batches/${id}`);
  await expect(page.getByText('live', { exact: true })).toBeVisible();
  await expect.poll(async () => Number(await page.locator('[data-counter=completed]').innerText())).toBeGreaterThan(0);

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible();
  await server.reaches(id, 'paused');

  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Cancel the batch' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the batch' }).click();
  await server.reaches(id, 'cancelled');
  await expect(page.getByText('cancelled by a person', { exact: true })).toBeVisible();
});

test('a budget that is used up is raised, and the batch goes on to its end', async ({ page, server }) => {
  const folder = server.pile('dear', 60);
  const id = await server.batch(
    folder,
    { model: 'sim/openai/gpt-4o-mini', sim_speed: 0, budget_usd: 0.005, start: true },
    'budget_exhausted',
  );
  await page.goto(`${server.url}/batches/${id}`);
  await expect(page.getByText('budget used up').first()).toBeVisible();
  const spent = await server.get<{ money: { settled_usd: number } }>(`/batches/${id}`);
  expect(spent.money.settled_usd).toBeLessThanOrEqual(0.005);
  await page.getByRole('button', { name: 'Raise the budget' }).first().click();
  await page.getByRole('dialog').getByLabel('Dollars').fill('1');
  await page.getByRole('button', { name: 'Raise it and go on' }).click();
  await expect.poll(async () => (await server.get<{ state: string }>(`/batches/${id}`)).state).toMatch(/^completed/);
  await expect(page.getByText('100 %', { exact: true })).toBeVisible();
});

test('failures are grouped with their price and retried', async ({ page, server }) => {
  const folder = server.pile('broken', 3);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(folder, 'broken.pdf'), '%PDF-1.4\nnothing that follows makes sense\n');
  const id = await server.batch(folder, { start: true }, 'completed_with_failures');
  await page.goto(`${server.url}/batches/${id}`);
  const failures = page.getByRole('region', { name: 'Failures' });
  await expect(failures).toContainText('corrupt document');
  writeFileSync(join(folder, 'broken.pdf'), 'RECEIPT\nThe Mended Shop\nTOTAL 3.00\n');
  await failures.getByRole('button', { name: 'Retry (free)' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  // What was hashed is what is read: a changed file is told first, and taken as it is when retried.
  await expect(failures).toContainText('source changed');
  await failures.getByRole('button', { name: 'Retry (free)' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await server.reaches(id, 'completed');
  await expect(page.locator('[data-counter=failed]')).toHaveText('0');
});

test('a killed server is noticed, and the page heals by itself', async ({ page, server }) => {
  const folder = server.pile('killed', 300);
  const id = await server.batch(
    folder,
    { model: 'sim/openai/gpt-4o-mini', sim_speed: 2, concurrency: 8, start: true },
    'running',
  );
  await page.goto(`${server.url}/batches/${id}`);
  await expect.poll(async () => Number(await page.locator('[data-counter=completed]').innerText())).toBeGreaterThan(5);
  await server.kill();
  await expect(page.locator('[data-connection=lost]')).toBeVisible({ timeout: 5_000 });
  const before = Number(await page.locator('[data-counter=completed]').innerText());
  // The same port: the page knows no other.
  await server.start();
  await expect(page.locator('[data-connection=live]')).toBeVisible();
  await expect
    .poll(async () => Number(await page.locator('[data-counter=completed]').innerText()))
    .toBeGreaterThan(before);
});
