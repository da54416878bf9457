/**
 * Loaded into the sandbox before any session, unless `worker.workflowStackTraces` is set. Temporal's SDK takes a stack trace at the birth
 * of every promise, for its stack trace query: with the usual ten frames that was half of a workflow thread's time (3 of 8 ms a turn,
 * measured). What a session waits for is in its current details anyway; one frame still says where an error was thrown.
 */
Error.stackTraceLimit = 1;
