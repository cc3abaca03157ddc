import { createOutput, type ListView } from '../output.ts'
import { findTemplate, listTemplates, type NamedTemplate } from '../templates.ts'
import type { Run } from './command.ts'

const view: ListView<NamedTemplate> = {
  columns: [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'IMAGE', value: ({ image }) => image, shrinks: true },
    { title: 'PORTS', value: ({ ports }) => ports?.join(', ') },
    { title: 'WHAT', value: ({ describe }) => describe, shrinks: true },
  ],
  id: ({ name }) => name,
  none: 'no templates',
}

/** Lists the templates that come with the program, or shows one as its file has it. */
export const templates: Run = async ({ args, config, terminal }) => {
  const output = createOutput(terminal, config)
  if (args[0] === undefined) {
    output.list(await listTemplates(), view)
    return 0
  }
  const found = await findTemplate(args[0])
  const { name, ...content } = found
  output.value(found, () => JSON.stringify(content, null, 2), name)
  return 0
}
