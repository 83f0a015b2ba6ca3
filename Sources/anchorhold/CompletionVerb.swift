internal import Profile

extension Verb {
  static let completion = Verb(
    name: "completion", synopsis: "bash|zsh|fish",
    summary: "print a shell's completion of these command lines",
    details: """
      Prints a script that completes verbs, options and the names of shipped profiles.
      Load it in the shell's own start file.
      """,
    options: [],
    examples: [
      "anchorhold completion bash > ~/.local/share/bash-completion/completions/anchorhold",
      "anchorhold completion zsh > ~/.zfunc/_anchorhold",
      "anchorhold completion fish > ~/.config/fish/completions/anchorhold.fish",
    ],
    usageStatus: CommandLineTool.failed,
    body: { arguments throws(UsageError) in try CompletionVerb.run(arguments) })
}

/// Prints completions that are made from the verbs and options themselves.
enum CompletionVerb {
  static func run(_ arguments: Arguments) throws(UsageError) -> Int32 {
    let shells = ["bash", "zsh", "fish"]
    guard let shell = arguments.operands.first, arguments.operands.count == 1,
      arguments.rest == nil, shells.contains(shell)
    else {
      let other = arguments.operands.first.flatMap { shells.contains($0) ? nil : $0 }
      throw UsageError(
        message: other.map { "there is no completion for \(quoted($0))" } ?? "name one shell",
        hint: "write anchorhold completion \(alternatives(shells))")
    }
    switch shell {
    case "bash": return CommandLineTool.answer(bash)
    case "zsh": return CommandLineTool.answer("#compdef anchorhold\n" + zsh)
    default: return CommandLineTool.answer(fish)
    }
  }

  private static var verbs: String { Verb.all.map(\.name).joined(separator: " ") }

  private static var profiles: String {
    ShippedProfiles.all.map(\.name).joined(separator: " ")
  }

  private static func options(_ verb: Verb) -> String {
    (verb.options + [Verb.help]).map(\.name).joined(separator: " ")
  }

  /// `run) words="…" ;;` for each verb.
  private static func cases(_ variable: String) -> String {
    Verb.all.filter { $0.name != "completion" }.map { verb in
      let names = verb.takesProfile ? profiles : ""
      return "    \(verb.name)) \(variable)=\"\(options(verb)) \(names)\" ;;\n"
    }.joined()
  }

  private static var bash: String {
    """
    _anchorhold() {
      local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words word
      for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [ "$word" = -- ]; then COMPREPLY=($(compgen -c -f -- "$current")); return; fi
      done
      if [ "$previous" = --set ] || [ "$previous" = = ]; then
        COMPREPLY=(); return
      elif [ "$previous" = --isolation ]; then
        words="full container"
      elif [ "$previous" = --pins ]; then
        COMPREPLY=($(compgen -f -- "$current")); return
      elif [ "$COMP_CWORD" -eq 1 ]; then
        words="\(verbs) --help --version"
      else
        case ${COMP_WORDS[1]} in
    \(cases("words"))    completion) words="bash zsh fish" ;;
        esac
      fi
      COMPREPLY=($(compgen -W "$words" -- "$current"))
      case $current in */*|.*) COMPREPLY+=($(compgen -f -- "$current")) ;; esac
    }
    complete -o filenames -F _anchorhold anchorhold

    """
  }

  private static var zsh: String {
    """
    _anchorhold() {
      local -a choices
      local words_of
      if (( ${words[(I)--]} > 0 && ${words[(I)--]} < CURRENT )); then
        _files; return
      elif [[ ${words[CURRENT-1]} == --set ]]; then
        return
      elif [[ ${words[CURRENT-1]} == --isolation ]]; then
        words_of="full container"
      elif [[ ${words[CURRENT-1]} == --pins ]]; then
        _files; return
      elif (( CURRENT == 2 )); then
        words_of="\(verbs) --help --version"
      else
        case ${words[2]} in
    \(cases("words_of"))    completion) words_of="bash zsh fish" ;;
        esac
      fi
      choices=(${=words_of})
      compadd -- $choices
      if [[ $PREFIX == */* || $PREFIX == .* ]]; then _files; fi
    }
    _anchorhold "$@"

    """
  }

  /// One word of a fish script.
  private static func fishQuoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      scalar == "'" || scalar == "\\" ? "\\" + String(Character(scalar)) : String(Character(scalar))
    }
    return "'" + escaped.joined() + "'"
  }

  private static var fish: String {
    var text = "complete -c anchorhold -f\n"
    for verb in Verb.all {
      text +=
        "complete -c anchorhold -n __fish_use_subcommand -a \(verb.name) -d \(fishQuoted(verb.summary))\n"
      let seen = "'__fish_seen_subcommand_from \(verb.name)'"
      for option in verb.options + [Verb.help] {
        let value =
          option.value == nil
          ? ""
          : option.name == "--isolation"
            ? " -x -a 'full container'" : option.name == "--pins" ? " -r -F" : " -x"
        text +=
          "complete -c anchorhold -n \(seen) -l \(option.name.dropFirst(2))\(value)"
          + " -d \(fishQuoted(option.summary))\n"
      }
      if verb.takesProfile {
        text += "complete -c anchorhold -n \(seen) -F -a '\(profiles)'\n"
      }
    }
    return text + "complete -c anchorhold -n '__fish_seen_subcommand_from completion'"
      + " -a 'bash zsh fish'\n"
  }
}
