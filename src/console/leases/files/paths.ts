/** A name in a folder. */
export const inFolder = (folder: string, name: string): string =>
  folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`

/** The folder above an absolute path; `/` has itself. */
export const parentOf = (path: string): string => path.replace(/\/[^/]+\/?$/, '') || '/'
