// The keyboard: nothing traps it, and nothing is said about what nobody has seen.
import { expect, test } from './server';

test('fields let go of the keyboard, and a key pressed twice approves once', async ({ page, server }) => {
  const id = await server.batch(server.pile('keys', 6), { start: true }, 'completed');
  await page.goto(`${server.url}/batches/${id}/documents/1`);
  const fields = page.locator('.doc-fields');
  await expect(fields.locator('input').first()).toBeVisible();
  await page.keyboard.press('e');
  await expect(fields.locator('input, textarea').first()).toBeFocused();
  // The palette opens from within a field, and Escape gives the field back, then the page.
  await page.keyboard.press('Control+k');
  await expect(page.getByPlaceholder(/A page, a batch/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByPlaceholder(/A page, a batch/)).toBeHidden();
  await fields.locator('input, textarea').first().focus();
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/documents\/2/);

  const approved = async () =>
    (
      await server.get<{ documents: { review: string | null }[] }>(`/batches/${id}/documents?limit=100`)
    ).documents.filter((doc) => doc.review === 'approved').length;
  // Pressed until the second document is approved, and once more in the very frame that brings the third.
  await page.evaluate(async () => {
    const press = () => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const before = location.pathname;
    while (location.pathname === before) {
      press();
      await frame();
    }
    press();
  });
  await expect(page).toHaveURL(/documents\/3/);
  expect(await approved()).toBe(1);
  // Looked at, it can be approved.
  await expect(async () => {
    await page.keyboard.press('a');
    await expect(page).toHaveURL(/documents\/4/, { timeout: 300 });
  }).toPass();
  expect(await approved()).toBe(2);
});
