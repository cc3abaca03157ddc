/** Runs in a process of its own (measure-link.ts): sends what it measured, and ends. */
import { answerParent } from './ask-drivers.ts'
import type { BackendDevice } from './backends.ts'
import { linkOf } from './measure-link.ts'

await answerParent(() => linkOf(JSON.parse(process.argv[2] ?? '') as BackendDevice))
