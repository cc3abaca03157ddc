/** The path of a lease in the control API. */
export const leasePath = (lease: string, rest = ''): string =>
  `/v1/leases/${encodeURIComponent(lease)}${rest}`
