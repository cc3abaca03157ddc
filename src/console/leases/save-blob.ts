/** A moment for the browser to take the content over. */
const HELD_MS = 60_000

/** Gives the person a file that the page made. */
export function saveBlob(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  save(url, name)
  setTimeout(() => URL.revokeObjectURL(url), HELD_MS)
}

/** Has the browser itself download what lies at an address of this node. */
export function save(url: string, name: string): void {
  const link = document.createElement('a')
  link.href = url
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
}
