import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// A development page asks the server that runs beside it.
const server = process.env.DOCMILL_URL ?? 'http://127.0.0.1:7878';

export default defineConfig({
  // Relative, so that the same build works below any path.
  base: './',
  plugins: [react()],
  // Browsers that know light-dark() and nesting; anything older gets a page it could not use anyway.
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': server } },
  test: { include: ['src/**/*.test.ts'] },
});
