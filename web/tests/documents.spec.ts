// A list of 100,000 documents: pages, filters, order and search, all in the address.
import { expect, test } from './server';

const MANY = 100_000;

test('any page of 100,000 documents, found by number, filter, order and name', async ({ page, server }) => {
  test.setTimeout(240_000);
  const id = await server.batch(server.pile('many', MANY), {}, null);
  await expect
    .poll(async () => (await server.get<{ documents: { total: number } }>(`/batches/${id}`)).documents.total, {
      timeout: 180_000,
    })
    .toBe(MANY);
  // The list is what is tested: nobody needs the count of their tokens.
  const { jobs } = await server.get<{ jobs: { id: number }[] }>(`/batches/${id}/jobs`);
  await server.post(`/jobs/${jobs[0]?.id}/cancel`);
  await page.goto(`${server.url}/batches/${id}/documents`);
  const showing = page.getByTestId('showing');
  await expect(showing).toHaveText('Showing 1–100 of 100,000');

  await page.getByRole('button', { name: 'Next page' }).first().click();
  await expect(showing).toHaveText('Showing 101–200 of 100,000');
  await page.getByLabel('Page', { exact: true }).first().fill('777');
  await page.getByLabel('Page', { exact: true }).first().press('Enter');
  await expect(showing).toHaveText('Showing 77,601–77,700 of 100,000');
  await expect(page.getByTestId('documents')).toContainText('receipt-077600.txt');
  expect(page.url()).toContain('page=777');

  // Back, forward and reload keep the place.
  await page.goBack();
  await expect(showing).toHaveText('Showing 101–200 of 100,000');
  await page.goForward();
  await page.reload();
  await expect(showing).toHaveText('Showing 77,601–77,700 of 100,000');

  await page.getByLabel('Documents a page').first().click();
  await page.getByRole('option', { name: '50', exact: true }).click();
  await expect(showing).toHaveText('Showing 1–50 of 100,000');

  await page.getByLabel('Search names').fill('0777');
  await expect(showing).toContainText('of 120');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(showing).toHaveText('Showing 1–50 of 100,000');

  await page.getByRole('button', { name: /^Name/ }).click();
  await page.getByRole('button', { name: /^Name/ }).click();
  await expect(page.getByTestId('documents').locator('tbody tr').first()).toContainText('receipt-');
  await expect(page).toHaveURL(/sort=name/);

  // Everything that matches is counted and priced before anything is done to it.
  await page.goto(`${server.url}/batches/${id}/documents?search=00012`);
  await page.getByLabel('Select this page').check();
  await page.getByRole('button', { name: 'Skip', exact: true }).click();
  await expect(page.getByTestId('job-count')).toHaveText(/^\d+ documents$/);
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Skip \d+/ })
    .click();
  await expect(page.locator('[data-job=skip]')).toContainText('changed');
});
