import { z } from 'zod'

/** An image reference: registry, path, tag or digest; nothing a shell or an engine could read as an option. */
export const imageName = (): z.ZodType<string> =>
  z.string().regex(/^[a-z0-9][A-Za-z0-9._/:@-]{0,254}$/, 'must be an image name')
