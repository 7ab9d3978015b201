// Parts of the screen that are loaded when they are needed, and may be missing: what is there goes on without them.

/** A module by its path beside this file, or undefined where it cannot be had. */
export async function part(path) {
  try { return await import(path) } catch (failure) {
    console.warn(`${path} is not there`, failure)
    return undefined
  }
}
