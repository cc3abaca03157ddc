// What the test runner's JSON reports say, counted.
//
//   usage: node .ci/test-counts.mjs failed REPORT            the files with failures, a line each
//          node .ci/test-counts.mjs sum REPORT [AGAIN]       "N skipped", what passed only in AGAIN by name, "N passed, N failed"
//
// AGAIN is the report of the files that failed in REPORT, run once more alone.
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [, , what, ...paths] = process.argv
const [report, again] = paths.filter((path) => existsSync(path)).map(read)

if (report === undefined) console.log(what === 'sum' ? '0 passed, 1 failed' : '')
else if (what === 'failed') for (const file of failedFiles(report)) console.log(file)
else sum(report, again)

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function failedFiles({ testResults }) {
  return testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name }) => relative('.', name))
}

/** A file that fails before its first test counts as one. */
function sum(first, second) {
  const firstFailed = first.numFailedTests || (first.success ? 0 : 1)
  if (first.numPendingTests > 0) console.log(`${first.numPendingTests} skipped`)
  const failed =
    second === undefined ? firstFailed : second.numFailedTests || (second.success ? 0 : 1)
  const mended = Math.max(0, firstFailed - failed)
  if (mended > 0) {
    const still = failedNames(second)
    for (const name of failedNames(first).filter((each) => !still.includes(each)))
      console.log(`passed only when run again alone: ${name}`)
  }
  console.log(`${first.numPassedTests + mended} passed, ${failed} failed`)
}

function failedNames({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${relative('.', name)} > ${fullName}`),
  )
}
