internal import Profile

/// What `check` says of openings beside tools that let more through than they seem to.
enum OpeningNotes {
  /// A note for each, in words of the profile's keys.
  static func notes(on profile: Profile) -> [String] {
    var notes: [String] = []
    if case .everything = profile.resources {
      notes.append("resources.allow: \"*\": every URI that the server answers to can be read")
    }
    if profile.requests.sampling {
      notes.append(
        "requests.sampling: allow: the server can have the client's model write anything")
    }
    if profile.requests.roots == .everything {
      notes.append(
        "requests.roots: everything: the server hears of directories that it does not see")
    }
    if profile.features.extensions {
      notes.append(
        "features.extensions: allow: what this version does not know passes without being looked into"
      )
    }
    if profile.revisions.keepsPages {
      notes.append(
        "protocol.lists: pages: a name that two pages have is not taken out of the second")
    }
    if profile.revisions.passesAnyProgress {
      notes.append("protocol.progress: any: progress passes that belongs to no request in flight")
    }
    if let restart = profile.server.restart {
      notes.append(
        "server.restart: on-failure: at most \(restart.most) times within \(restart.within) s; "
          + "subscriptions, tasks and what the server kept in memory or in its temporary space "
          + "are lost, and limits such as limits.cpu_time count anew")
    }
    return notes
  }
}
