import type { Template } from '../../api/templates.ts'
import { type EnvRow, lineOf, type VolumeRow, type Wish } from './wish.ts'

const MIB_PER_GIB = 1024

/** A wish with what a template says; what a person wrote beside it stays. */
export const withTemplate = (wish: Wish, template: Template): Wish => ({
  ...wish,
  image: template.image,
  command: template.command === undefined ? '' : lineOf(template.command),
  env: Object.entries(template.env ?? {}).map(envRow),
  volumes: (template.volumes ?? []).map(volumeRow),
  ports: (template.ports ?? []).join(', '),
})

/** `$NAME` is the person's own to fill in: a page knows no environment. */
const envRow = ([name, value]: [string, string]): EnvRow => ({
  name,
  value: /(^|[^$])\$[A-Za-z_{]/.test(value) ? '' : value.replaceAll('$$', '$'),
})

const volumeRow = (volume: NonNullable<Template['volumes']>[number]): VolumeRow => ({
  name: volume.name,
  path: volume.path,
  size: volume.sizeMiB === undefined ? '' : String(volume.sizeMiB / MIB_PER_GIB),
  readOnly: volume.readOnly === true,
  isCache: volume.cache === true,
})
