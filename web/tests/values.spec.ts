// Values of results in the list: columns, order, conditions, corrections in place, views, copies.
import { expect, test } from './server';

test('a table of values, sorted, filtered, corrected and kept as a view', async ({ page, server, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await server.batch(server.pile('shop', 40), { start: true }, 'completed');
  await page.goto(`${server.url}/batches/${id}/documents`);
  const table = page.getByTestId('documents');
  const showing = page.getByTestId('showing');
  await expect(showing).toHaveText('Showing 1–40 of 40');
  // Fields of the template are columns from the first look on.
  await expect(table.getByRole('button', { name: /^total/ })).toBeVisible();
  const column = async (name: string) => {
    const heads = await table.locator('thead th').allInnerTexts();
    const at = heads.findIndex((head) => head.trim().startsWith(name));
    expect(at, `${name} in ${heads}`).toBeGreaterThan(0);
    return async () => table.locator(`tbody tr td:nth-child(${at + 1})`).allInnerTexts();
  };
  const totals = await column('total');
  const numbers = async () => (await totals()).map(Number);
  const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

  await table.getByRole('button', { name: /^total/ }).click();
  await expect(page).toHaveURL(/sort=field/);
  await expect(table.locator('thead th[aria-sort=ascending]')).toContainText('total');
  await expect.poll(numbers).toEqual(sorted(await numbers()));
  const all = await numbers();
  expect(all.length).toBe(40);
  await table.getByRole('button', { name: /^total/ }).click();
  await expect.poll(numbers).toEqual([...all].reverse());

  // A condition, put together.
  const middle = all[20] as number;
  await page.getByRole('button', { name: 'Add a condition' }).click();
  const dialog = page.locator('form').filter({ hasText: 'Condition' });
  await dialog.getByRole('combobox', { name: 'Field' }).fill('total');
  await page.getByRole('option', { name: 'total', exact: true }).click();
  await dialog.getByRole('combobox', { name: 'Condition' }).click();
  await page.getByRole('option', { name: 'at least' }).click();
  await dialog.getByLabel('Value').fill(String(middle));
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const least = all.filter((value) => value >= middle).length;
  await expect(showing).toHaveText(`Showing 1–${least} of ${least}`);
  await expect(page.getByLabel('Values', { exact: true })).toHaveValue(`total >= ${middle}`);

  // One that is none is explained, and the list stays.
  await page.getByLabel('Values', { exact: true }).fill('totl > 3');
  await page.getByLabel('Values', { exact: true }).press('Enter');
  await expect(page.getByText('did you mean total?')).toBeVisible();
  await page.getByLabel('Values', { exact: true }).fill(`total >= ${middle}`);
  await page.getByLabel('Values', { exact: true }).press('Enter');
  await expect(showing).toHaveText(`Showing 1–${least} of ${least}`);

  // Corrected in place: the order follows, and the document has it in its history.
  const first = table.locator('tbody tr').first();
  const name = await first.locator('td.name').innerText();
  await first
    .locator('td.num .value')
    .filter({ hasText: String(all[39]) })
    .dblclick();
  const input = table.getByLabel(/^total of no\./);
  await input.fill('99999');
  await input.press('Enter');
  await expect(first.locator('td.num .value').filter({ hasText: '99999' })).toBeVisible();
  await expect(first.locator('td.name')).toHaveText(name);
  await expect.poll(async () => (await numbers())[0]).toBe(99_999);

  // What is exported is what is shown.
  await page.getByRole('button', { name: 'Export' }).click();
  await expect(page.getByRole('dialog')).toContainText(`${least} document`);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitem', { name: 'Copy this page as a table' }).click();
  const copied = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  expect(copied.length).toBe(least + 1);
  expect(copied[0]?.split('\t')).toContain('total');
  expect(copied[1]).toContain('99999');
  await page.keyboard.press('Escape');

  // A view brings filter, order and columns back; so does its link, elsewhere.
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByLabel('Name of the view').fill('The dear ones');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Copy a link to this view' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(showing).toHaveText('Showing 1–40 of 40');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'The dear ones' }).click();
  await expect(showing).toHaveText(`Showing 1–${least} of ${least}`);
  await page.evaluate(() => localStorage.clear());
  await page.goto(link);
  await expect(showing).toHaveText(`Showing 1–${least} of ${least}`);
  await expect.poll(async () => (await numbers())[0]).toBe(99_999);
  // From a document back to the same list.
  await table.locator('tbody tr').first().locator('td.name a').click();
  await expect(page.getByRole('link', { name: 'Documents' }).last()).toBeVisible();
  await page.goBack();
  await expect(showing).toHaveText(`Showing 1–${least} of ${least}`);
});

test('the ledger says what was paid', async ({ page, server }) => {
  const model = { model: 'sim/openai/gpt-4o-mini', sim_speed: 0, budget_usd: 1 };
  const id = await server.batch(server.pile('paid', 12), { ...model, start: true }, null);
  await expect
    .poll(async () => (await server.get<{ state: string }>(`/batches/${id}`)).state, { timeout: 60_000 })
    .toMatch(/^completed/);
  await page.goto(`${server.url}/batches/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Ledger' }).click();
  const ledger = page.getByRole('dialog', { name: 'Ledger' });
  await expect(ledger.locator('tbody tr')).toHaveCount(1);
  await expect(ledger.locator('tbody tr')).toContainText('gpt-4o-mini');
  await expect(ledger.locator('tbody tr td').nth(2)).toHaveText('12');
  await expect(ledger.getByRole('region', { name: 'Lost calls' })).toHaveCount(0);
});
