// Beside the main way: results as files, going anywhere, alerts, the API's page.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { expect, test } from './server';

test('results are written, fetched, and found by the palette', async ({ page, server }) => {
  const id = await server.batch(server.pile('spring', 12), { name: 'spring', start: true }, 'completed');
  await page.goto(`${server.url}/batches/${id}`);
  await page.getByRole('button', { name: 'Export' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('JSON Lines').click();
  await expect(dialog).toContainText('12 documents');
  await dialog.getByRole('button', { name: 'Write the files' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('link', { name: 'documents.jsonl' }).click(),
  ]);
  const lines = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\n');
  expect(lines).toHaveLength(12);
  expect(JSON.parse(lines[3] ?? '').data.company).toBe('The Corner Shop');
  await page.keyboard.press('Escape');

  // A document of this batch, and then a batch, by name and from the keyboard alone.
  await expect(dialog).toHaveCount(0);
  await page.keyboard.press('Control+k');
  const anywhere = page.getByRole('textbox', { name: 'Go anywhere' });
  await expect(anywhere).toBeFocused();
  await page.keyboard.type('000007');
  await expect(page.getByRole('dialog').getByText('receipt-000007.txt')).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'receipt-000007.txt' })).toBeVisible();
  await expect(anywhere).toHaveCount(0);
  await page.keyboard.press('Control+k');
  await expect(anywhere).toBeFocused();
  await page.keyboard.type('spring');
  await expect(page.getByRole('dialog').getByText('completed, 12 documents')).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'spring' })).toBeVisible();
});

test('an alert is made, tried, told, and shown with its batch', async ({ page, server }) => {
  const heard: string[] = [];
  const listener = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      heard.push(JSON.parse(body).text);
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' ? address?.port : 0;
  try {
    await server.kill();
    await server.start('--private-webhooks');
    await page.goto(`${server.url}/alerts`);
    await page.getByRole('textbox', { name: 'Name' }).fill('ends');
    await page.getByRole('combobox', { name: 'Tell' }).click();
    await page.getByRole('option', { name: /^Slack|chat/i }).click();
    await page.getByLabel('Address').fill(`http://127.0.0.1:${port}/hook`);
    await page.getByRole('button', { name: 'Keep the rule' }).click();
    await page.getByRole('button', { name: 'Test' }).click();
    await expect(page.getByText('200 ok')).toBeVisible();
    expect(heard).toEqual(["This is a test of docmill's alerts"]);

    const id = await server.batch(server.pile('told', 3), { name: 'told', start: true }, 'completed');
    await expect.poll(() => heard.length).toBe(2);
    expect(heard[1]).toContain('told is completed');
    await page.goto(`${server.url}/batches/${id}`);
    await expect(page.getByRole('alert')).toContainText('told is completed');
    await page.goto(`${server.url}/alerts`);
    await expect(page.getByText('told is completed').first()).toBeVisible();
  } finally {
    listener.close();
  }
});

test('requests are tried from the page that describes them', async ({ page, server }) => {
  const id = await server.batch(server.pile('api', 2), { start: true }, 'completed');
  await page.goto(`${server.url}/reference`);
  await page.getByPlaceholder('Search').fill('One batch');
  await page.getByText('/api/v1/batches/{batch}', { exact: true }).first().click();
  await page.getByRole('textbox', { name: 'batch' }).fill('last');
  await page.getByRole('button', { name: 'Try it' }).first().click();
  await expect(page.getByText(`"id": "${id}"`)).toBeVisible();
});
