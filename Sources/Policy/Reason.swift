/// Why a message was not simply passed; raw values are stable names of the audit log and of the
/// `_meta` entry that a refused call carries.
public enum Reason: String, CaseIterable, Sendable {
  // Requests that are refused.
  /// The method is not one that the profile lets through.
  case methodDenied = "method-denied"
  /// The tool is not allowed by the profile, so it looks unknown.
  case unknownTool = "unknown-tool"
  /// The resource is not allowed by the profile, so it looks unknown.
  case unknownResource = "unknown-resource"
  /// The prompt is not allowed by the profile, so it looks unknown.
  case unknownPrompt = "unknown-prompt"
  /// No request of this session made the task.
  case unknownTask = "unknown-task"
  /// The task was a server's that ended and was started again.
  case taskLost = "task-lost"
  /// A version or an era of the protocol that the profile does not let through.
  case versionDenied = "version-denied"
  /// What is completed or subscribed to is not said as the protocol has it.
  case badParams = "bad-params"
  /// `tools/call` without a `name` that is a string.
  case badCall = "bad-call"
  /// `arguments` of a call that are not an object.
  case badArguments = "bad-arguments"
  /// The server's schema of the tool cannot be compiled, so that no call can be held to it.
  case unusableSchema = "unusable-schema"
  /// The server did not give its list of tools, without which the call cannot be decided on.
  case noList = "no-list"
  /// Too much waits for the server's list of tools, or is held for requests in flight.
  case heldLimit = "held-limit"
  /// An argument of a call breaks a rule of the profile, or the server's schema.
  case argument = "argument"
  /// Declared capabilities that are not an object.
  case badCapabilities = "bad-capabilities"
  /// A cursor that this session never gave out: lists are given whole.
  case badCursor = "bad-cursor"
  /// An id that is still in use, or whose cancelled request may still be answered.
  case idInUse = "id-in-use"
  /// The `_meta` of a list request, which follow-up requests repeat, is too long.
  case tooLong = "too-long"
  /// More requests are in flight than `messages.in_flight` allows.
  case inFlightLimit = "in-flight-limit"
  /// The record could not be written.
  case auditFailed = "audit-failed"
  /// The server ended before it answered.
  case serverEnded = "server-ended"
  /// The server did not answer in time.
  case timeout
  /// As many calls are in flight as `in_flight` of the tool, or of all tools, allows.
  case callsInFlight = "calls-in-flight"
  /// More calls per time than `rate` of the tool, or of all tools, allows.
  case rateLimit = "rate-limit"
  /// The calls of the session are used up.
  case callBudget = "call-budget"
  /// The bytes of the session's calls are used up.
  case byteBudget = "byte-budget"
  /// The tool failed too often and rests.
  case breakerOpen = "breaker-open"
  /// The call carries input that nobody asked for.
  case unaskedInput = "unasked-input"
  /// The person must be asked, and the client cannot do it.
  case cannotAsk = "cannot-ask"
  /// The person must be asked, and the call is too long to be shown.
  case questionSize = "question-size"
  /// The person must be asked, and is being asked too much already.
  case questionLimit = "question-limit"
  /// The person did not agree.
  case declined
  /// The client gave no usable answer to a question.
  case noConsent = "no-consent"
  /// The person did not answer in time.
  case unanswered
  // Results that are turned into refusals.
  /// The server asked for input of a kind that the profile denies.
  case inputDenied = "input-denied"
  /// A `resultType` that this version does not know.
  case resultType = "result-type"
  /// A result that does not fit the server's own schema of it.
  case badOutput = "bad-output"
  /// A list that is not one.
  case badList = "bad-list"
  /// An answer longer than `messages.max_size`, or a message that became so when it was written out.
  case answerSize = "answer-size"
  /// A result longer than `text.max_result`.
  case resultSize = "result-size"
  // Messages that are rewritten or answered.
  /// Capabilities, or requests for denied features, were taken out.
  case capabilities = "capabilities"
  /// What the server says of a tool, or its instructions, are not as they were pinned.
  case pinChanged = "pin-changed"
  /// A list that the profile hides was answered as empty.
  case hiddenList = "hidden-list"
  /// A call waits for the server's list of tools, for which we ask.
  case held
  /// A call waits for the person, who is asked.
  case asked
  /// The person agreed to a call, or to every call of its tool.
  case consented
  case consentedSession = "consented-session"
  /// The server's answer to our own request for its list of tools.
  case ownList = "own-list"
  /// One page of a list that is being gathered.
  case listPage = "list-page"
  /// Tools were taken out of a list, or a list put together.
  case listFiltered = "list-filtered"
  /// A list held the same name twice, or an entry without a name; those were taken out.
  case listMalformed = "list-malformed"
  /// Entries whose name holds unseen characters were taken out.
  case nameUnseen = "name-unseen"
  /// Unseen characters were written out or left out, or strings cut.
  case text = "text"
  /// The server gave out a cursor twice; the list ends there.
  case cursorRepeated = "cursor-repeated"
  /// The list has more pages than are gathered; it ends there.
  case listPages = "list-pages"
  /// The list is larger than `text.max_list`; it ends there, or is refused where what stands beside
  /// its entries is.
  case listSize = "list-size"
  /// Told to a server that was started again, as the client told the one before; or its answer.
  case replayed
  /// Told to the client because the server was started again.
  case serverRestarted = "server-restarted"
  /// A server that was started again refuses the handshake.
  case handshakeRefused = "handshake-refused"
  /// It speaks another version than the client was told.
  case handshakeVersion = "handshake-version"
  // Messages that are dropped.
  /// A notification that the profile does not let through.
  case notificationDenied = "notification-denied"
  /// A response to a request that is not in flight.
  case unmatched = "unmatched-response"
  /// A response to a request that was cancelled.
  case late = "late-response"
  /// A response with the id `null`.
  case nullID = "null-id"
  /// A cancellation of a request that is not in flight.
  case cancelUnmatched = "unmatched-cancellation"
  /// Progress with a token of no request in flight.
  case progressUnmatched = "unmatched-progress"
  /// The server would send the person to an address that the profile does not let through.
  case visitDenied = "visit-denied"
  /// Roots that the server does not see were taken out.
  case rootsFiltered = "roots-filtered"
  /// A notification of a subscription that is not there, or of something that it was not made for.
  case noSubscription = "no-subscription"
}
