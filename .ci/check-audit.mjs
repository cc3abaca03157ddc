// Reads `npm audit --json` on stdin and rules on it: a high or critical advisory in what users install fails when a
// fix exists that is not a new major version; everything else is reported. A registry that offers no audit (404, 405,
// unreachable) is reported too and fails nothing: it says nothing about the packages.
import { readFileSync } from 'node:fs'

const text = readFileSync(0, 'utf8')
const report = parse(text)

if (report?.metadata?.vulnerabilities === undefined) {
  const reason =
    report?.message ?? report?.error?.summary ?? (text.trim().slice(0, 200) || 'no answer')
  console.log(`audit: the registry offers none (${reason})`)
} else {
  rule(report)
}

function parse(json) {
  try {
    return JSON.parse(json)
  } catch {
    return undefined // npm printed something else than a report
  }
}

function rule({ vulnerabilities, metadata }) {
  console.log(`audit: ${JSON.stringify(metadata.vulnerabilities)}`)
  const grave = Object.values(vulnerabilities).filter(({ severity }) =>
    ['high', 'critical'].includes(severity),
  )
  for (const { name, severity, range, fixAvailable } of grave) {
    const fixable = fixAvailable === true || (fixAvailable && !fixAvailable.isSemVerMajor)
    console.log(
      `audit: ${severity}: ${name} ${range}: ${fixable ? 'a fix exists: npm audit fix' : 'no fix yet'}`,
    )
    if (fixable) process.exitCode = 1
  }
}
