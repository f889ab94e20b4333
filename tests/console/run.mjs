#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The browser test. usage: run.mjs [--mock-only] [PART OF A NAME]      The last line is `N passed, N failed`.
// Pictures of every state lie in build/console-screens/ afterwards.
import { documentCases } from './cases_documents.mjs';
import { modelCases } from './cases_models.mjs';
import { pageCases } from './cases_page.mjs';
import { realCases } from './cases_real.mjs';
import { launch, Tester } from './harness.mjs';

const words = process.argv.slice(2);
const mockOnly = words[0] === '--mock-only';
const only = words.find((word) => !word.startsWith('--'));
const tester = new Tester(await launch(), only);
try {
  await pageCases(tester);
  await modelCases(tester);
  await documentCases(tester);
  if (!mockOnly && (!only || only.startsWith('real'))) await realCases(tester);
} catch (error) {
  tester.failed += 1;
  console.log(`FAILED ${error.stack}`);
}
console.log(`${tester.passed} passed, ${tester.failed} failed`);
process.exit(tester.failed || !tester.passed ? 1 : 0);
