#!/bin/sh
# Writes the shipped profiles into a Swift source, because the program is one file and must find
# them inside itself. Run it after a change below profiles/; a test compares both.
set -eu
cd "$(dirname "$0")"
out=../Sources/Profile/ShippedProfiles.swift
{
  printf '%s\n' '// swift-format-ignore-file' \
    '// Written by profiles/embed.sh from profiles/*.yaml; change those.' '' \
    '/// The profiles that come with the program.' \
    'public enum ShippedProfiles {' \
    '  /// Every shipped profile: its name and its text, in the order of the names.' \
    '  public static let all: [(name: String, text: String)] = ['
  for file in *.yaml; do
    printf '    (\n      name: "%s",\n      text: #"""\n' "${file%.yaml}"
    sed 's/^\(.\)/        \1/' "$file"
    printf '\n        """#\n    ),\n'
  done
  printf '%s\n' '  ]' '' '  /// The text of the shipped profile of this name, or nil.' \
    '  public static func text(of name: String) -> [UInt8]? {' \
    '    all.first { $0.name.isSame(name) }.map { Array($0.text.utf8) }' '  }' '}'
} > "$out"
