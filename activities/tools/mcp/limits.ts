/** What a worker takes from an MCP server. A server is a stranger's program: whatever it sends is bounded. */

/** One message of the protocol: a page of its list, a result with its images. */
export const MAX_MCP_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Pages of one list, and the tools in it. Whoever lists more is not used at all, rather than some of it. */
export const MAX_MCP_PAGES = 50;
export const MAX_MCP_TOOLS = 256;
/** Of the whole list as JSON, refused tools too. */
export const MAX_MCP_LIST_BYTES = 512 * 1024;
/** Of a description, what the model is told. */
export const MAX_DESCRIPTION_CHARACTERS = 4_000;
/** Of a result, files and texts that become parts of their own. */
export const MAX_RESULT_PARTS = 40;
