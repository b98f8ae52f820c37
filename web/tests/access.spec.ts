// What somebody may not do is not offered; who is signed in can sign out; the audit log shows who did what.
import { expect, type Server, test } from './server';

async function makeKey(server: Server, admin: string | null, name: string, role: string): Promise<string> {
  const answer = await fetch(`${server.url}/api/v1/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(admin ? { authorization: `Bearer ${admin}` } : {}) },
    body: JSON.stringify({ name, role }),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { key: string }).key;
}

test('a viewer sees everything and is offered nothing to change', async ({ page, server }) => {
  const batch = await server.batch(server.pile('few', 3), { start: true }, 'completed');
  const admin = await makeKey(server, null, 'ada', 'admin');
  const viewer = await makeKey(server, admin, 'vic', 'viewer');
  await page.goto(server.url);
  await page.getByLabel('Key', { exact: true }).fill(viewer);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Batches' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'few' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'New batch' })).toHaveCount(0);
  await page.goto(`${server.url}/batches/${batch}`);
  await expect(page.getByRole('link', { name: 'Documents' }).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Export' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'More actions' })).toHaveCount(0);
  await page.goto(`${server.url}/batches/${batch}/documents/1`);
  await expect(page.getByRole('button', { name: 'Approve' })).toBeDisabled();
  await page.goto(`${server.url}/settings`);
  await expect(page.getByRole('heading', { name: 'Models and prices' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Keys' })).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Audit log' })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Keep' })).toBeDisabled();
});

test('who signed in signs out, and the audit log says what they did', async ({ page, server }) => {
  const admin = await makeKey(server, null, 'ada', 'admin');
  await page.goto(`${server.url}/settings`);
  await page.getByLabel('Key', { exact: true }).fill(admin);
  await page.getByRole('button', { name: 'Sign in' }).click();
  const budgets = page.getByRole('region', { name: 'Budgets' });
  await budgets.getByLabel('A day').fill('12');
  await budgets.getByRole('button', { name: 'Keep' }).click();
  await expect(page.getByText('Kept', { exact: true })).toBeVisible();
  await page.reload();
  const log = page.getByRole('region', { name: 'Audit log' });
  await expect(log.getByText('day_budget_usd: none → 12')).toBeVisible();
  await log.getByRole('button', { name: 'Check' }).click();
  await expect(log.getByText(/entries are what was written/)).toBeVisible();
  const cookies = await page.context().cookies();
  expect(cookies.map((cookie) => [cookie.name, cookie.httpOnly, cookie.sameSite])).toEqual([
    ['docmill_session', true, 'Strict'],
  ]);
  await page.getByRole('button', { name: 'Signed in as ada' }).click();
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.context().addCookies(cookies);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});
