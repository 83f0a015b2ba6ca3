// swift-format-ignore-file
// Written by profiles/embed.sh from profiles/*.yaml; change those.

/// The profiles that come with the program.
public enum ShippedProfiles {
  /// Every shipped profile: its name and its text, in the order of the names.
  public static let all: [(name: String, text: String)] = [
    (
      name: "default",
      text: #"""
        version: 1
        name: default
        description: Any server - no network, no files of yours, every tool
        # Used by anchorhold run -- COMMAND; what the command needs to start is found from itself.
        extends: auto
        tools:
          allow: ["*"]
          # Many servers take more than their schemas name.
          unknown_arguments: allow

        """#
    ),
    (
      name: "git",
      text: #"""
        version: 1
        name: git
        description: Read one Git repository
        extends: python
        variables:
          repository: {type: directory, required: true, description: The repository to read}
        server:
          command: [mcp-server-git, --repository, "${repository}"]
          programs: [git]
          workdir: "${repository}"
          environment:
            # No configuration but the repository's own, no lock files, no questions.
            GIT_CONFIG_NOSYSTEM: "1"
            GIT_CONFIG_GLOBAL: /dev/null
            GIT_OPTIONAL_LOCKS: "0"
            GIT_TERMINAL_PROMPT: "0"
            GIT_PAGER: cat
            # The server runs under a user of its own, who is not the repository's owner. Git compares real
            # paths, and the cell holds no other repository.
            GIT_CONFIG_COUNT: "2"
            GIT_CONFIG_KEY_0: safe.directory
            GIT_CONFIG_VALUE_0: "*"
            # Files have other owners' numbers in the cell than in the index, and Git would read every one of
            # them again at each status or diff.
            GIT_CONFIG_KEY_1: core.checkStat
            GIT_CONFIG_VALUE_1: minimal
        filesystem:
          read: ["${repository}"]
        limits: {memory: 1GiB, processes: 64, open_files: 256, file_size: 64MiB}
        tools:
          # Those that read; git_add, git_commit, git_reset, git_checkout and git_create_branch write.
          allow:
            - git_status
            - {name: git_diff_unstaged, arguments: {context_lines: {minimum: 0, maximum: 1000}}}
            - {name: git_diff_staged, arguments: {context_lines: {minimum: 0, maximum: 1000}}}
            # Whatever begins with - would be an option of git's.
            - name: git_diff
              arguments:
                target: {forbid_leading: "-"}
                context_lines: {minimum: 0, maximum: 1000}
            - name: git_log
              arguments:
                max_count: {minimum: 1, maximum: 1000}
                start_timestamp: {nullable: true, forbid_leading: "-"}
                end_timestamp: {nullable: true, forbid_leading: "-"}
            - name: git_show
              arguments:
                revision: {forbid_leading: "-"}
            - name: git_branch
              arguments:
                branch_type: {enum: [local, remote, all]}
                contains: {nullable: true, forbid_leading: "-"}
                not_contains: {nullable: true, forbid_leading: "-"}

        """#
    ),
    (
      name: "sqlite",
      text: #"""
        version: 1
        name: sqlite
        description: Query and change one SQLite database
        extends: python
        variables:
          directory: {type: directory, required: true, description: The directory that holds the database}
          database: {type: string, default: database.db, description: The database's file name}
        server:
          command: [mcp-server-sqlite, --db-path, "${directory}/${database}"]
          workdir: "${directory}"
        filesystem:
          # The directory and not the file alone: SQLite keeps its journal beside the database.
          write: ["${directory}"]
        limits: {memory: 1GiB, processes: 64, open_files: 256, file_size: 16GiB}
        tools:
          allow:
            - read_query
            - write_query
            - create_table
            - list_tables
            # The server puts the name into a statement as it is.
            - {name: describe_table, arguments: {table_name: {max_length: 256, not_pattern: "[;()'\"`]"}}}
            - append_insight

        """#
    ),
    (
      name: "time",
      text: #"""
        version: 1
        name: time
        description: Tell the time and convert it between time zones
        extends: python
        server:
          command: [mcp-server-time]
        filesystem:
          read:
            # Where time zones are kept; a server that brings its own works without them.
            - {path: /usr/share/zoneinfo, optional: true}
            - {path: /etc/localtime, optional: true}
            - {path: /etc/timezone, optional: true}
        limits: {memory: 512MiB, processes: 64, open_files: 256, file_size: 1MiB}
        tools:
          # Names of zones, and times of day, and nothing else.
          allow:
            - name: get_current_time
              arguments:
                timezone: {pattern: "^[A-Za-z0-9_+/-]{1,64}$"}
            - name: convert_time
              arguments:
                source_timezone: {pattern: "^[A-Za-z0-9_+/-]{1,64}$"}
                target_timezone: {pattern: "^[A-Za-z0-9_+/-]{1,64}$"}
                time: {pattern: "^[0-2]?[0-9]:[0-5][0-9]$"}

        """#
    ),
  ]

  /// The text of the shipped profile of this name, or nil.
  public static func text(of name: String) -> [UInt8]? {
    all.first { $0.name.isSame(name) }.map { Array($0.text.utf8) }
  }
}
