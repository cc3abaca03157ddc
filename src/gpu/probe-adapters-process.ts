/** Runs in a process of its own (probe-adapters.ts): sends what it found, and ends. */
import { answerParent } from './ask-drivers.ts'
import { type AdapterQuestion, describeAdapters } from './describe-adapters.ts'

await answerParent(() => describeAdapters(JSON.parse(process.argv[2] ?? '{}') as AdapterQuestion))
