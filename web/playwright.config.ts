import { defineConfig } from '@playwright/test';

// The machine's own Chromium: nothing is downloaded. Each test starts the servers it needs.
export default defineConfig({
  testDir: 'tests',
  timeout: 90_000,
  expect: { timeout: 20_000 },
  workers: 2,
  forbidOnly: true,
  reporter: [['list']],
  outputDir: process.env.DOCMILL_BROWSER_OUT ?? '/tmp/docmill-browser-tests',
  use: {
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    },
  },
});
