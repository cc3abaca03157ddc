import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { messageOf, NodeError } from '../errors.ts'
import { imageName } from '../protocols/image-name.ts'
import { containerEnv } from '../protocols/lease.ts'
import { commandLine } from '../protocols/terms.ts'
import {
  type AskedVolume,
  apart,
  MAX_VOLUMES,
  volumeName,
  volumePath,
  volumeSizeMiB,
} from '../protocols/volumes.ts'
import { MAX_PORTS } from './leases/lease-records.ts'

/** A folder that outlives the lease, as `rent --volume` has it. */
const templateVolume = z.strictObject({
  name: volumeName(),
  path: volumePath(),
  sizeMiB: volumeSizeMiB().optional(),
  readOnly: z.literal(true).optional(),
  /** It holds what can be had again: the lease goes without where it cannot be mounted. */
  cache: z.literal(true).optional(),
})

/** What a template says of a lease; flags of `rent` win over it. */
const template = z.strictObject({
  /** One line for people. */
  describe: z.string().max(200).optional(),
  image: imageName(),
  /** What the container runs; without it, it idles and waits for shell and exec. */
  command: commandLine().optional(),
  /** `$NAME` or `${NAME}` in a value is the renter's own variable, `$$` is a dollar sign. */
  env: containerEnv().optional(),
  /** Ports that `forward` makes local when none is named. */
  ports: z.array(z.int().min(1).max(65_535)).max(MAX_PORTS).optional(),
  /** Folders that outlive the lease. */
  volumes: z
    .array(templateVolume)
    .max(MAX_VOLUMES)
    .refine(apart, 'names and paths differ')
    .optional(),
})
export type Template = z.infer<typeof template>
export { template as templateSchema }

/** A template and what it is called by: its name, or the file's. */
export type NamedTemplate = Template & { readonly name: string }

/** The templates that come with the program. */
const FOLDER = join(import.meta.dirname, '../../config/templates')

/** All templates that come with the program, by name. */
export async function listTemplates(): Promise<NamedTemplate[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.json')).toSorted()
  return Promise.all(files.map((name) => readTemplate(join(FOLDER, name))))
}

/**
 * A template by its name or, when that has a slash or ends in `.json`, from a file.
 * @throws NOTHING_MATCHED; BAD_CONFIG_TEMPLATE with what is wrong in it
 */
export async function findTemplate(nameOrFile: string): Promise<NamedTemplate> {
  if (/[/\\]|\.json$/.test(nameOrFile)) return readTemplate(nameOrFile)
  const all = await listTemplates()
  const found = all.find(({ name }) => name === nameOrFile)
  if (found !== undefined) return found
  throw new NodeError('NOTHING_MATCHED', `no template "${nameOrFile}"`, {
    next: `take ${all.map(({ name }) => name).join(', ')}, or name a file: ./${nameOrFile}.json`,
  })
}

async function readTemplate(file: string): Promise<NamedTemplate> {
  try {
    const found = template.parse(JSON.parse(await readFile(file, 'utf8')))
    return { name: basename(file, '.json'), ...found }
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_TEMPLATE', `${file} is no template: ${whyNot(cause)}`, {
      cause,
      next: 'compute-node templates pytorch --json shows what one looks like',
    })
  }
}

const whyNot = (error: unknown): string =>
  error instanceof z.ZodError
    ? error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
    : messageOf(error)

/**
 * A template's variables with the renter's own put in.
 * @throws BAD_CONFIG_TEMPLATE naming one that the renter's environment lacks
 */
export function filledEnv(
  { name, env = {} }: Pick<NamedTemplate, 'name' | 'env'>,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const fill = (value: string): string =>
    value.replace(/\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (_, bare, braced) => {
      const wanted: string | undefined = bare ?? braced
      if (wanted === undefined) return '$'
      const found = own[wanted]
      if (found !== undefined) return found
      throw new NodeError('BAD_CONFIG_TEMPLATE', `the template ${name} wants your $${wanted}`, {
        next: `set it: export ${wanted}=…`,
      })
    })
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, fill(value)]))
}

/**
 * The volumes of a lease: a renter's own, and those of its template that take neither the name nor the path of one.
 * Without `caches`, only those that the lease cannot do without.
 * @throws BAD_CONFIG_TEMPLATE when there are too many together
 */
export function mergedVolumes(
  { name, volumes = [] }: Pick<NamedTemplate, 'name' | 'volumes'>,
  own: readonly AskedVolume[],
  caches: boolean,
): AskedVolume[] {
  const wanted = volumes.filter(
    (one) =>
      (caches || one.cache === undefined) &&
      !own.some((other) => other.name === one.name || other.path === one.path),
  )
  const all = [...own, ...wanted.map(({ cache: _, ...volume }) => volume)]
  if (all.length <= MAX_VOLUMES) return all
  throw new NodeError(
    'BAD_CONFIG_TEMPLATE',
    `the template ${name} and --volume ask for ${all.length} volumes: a lease has ${MAX_VOLUMES}`,
    { next: 'leave some out' },
  )
}
