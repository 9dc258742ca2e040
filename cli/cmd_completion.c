/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/*
 * What a shell needs to ask `litevpnctl complete`, which knows the rest: these texts know no
 * command and no option, so they never grow old.
 */

const char *const cmd_completion_shells[] = { "bash", "zsh", "fish", NULL };

/*
 * bash breaks words at "=" and ":"; they are joined again, and what stands before is cut off then.
 */
static const char bash[] =
    "_litevpnctl() {\n"
    "\tlocal words=() word last joined=\"\" i candidate help\n"
    "\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "\t\tword=${COMP_WORDS[i]} last=$((${#words[@]} - 1))\n"
    "\t\tif ((last >= 0)) && [[ $word == [=:] || ${words[last]} == --*= || "
    "${words[last]} == *: ]]; then\n"
    "\t\t\twords[last]+=$word\n"
    "\t\telse\n"
    "\t\t\twords+=(\"$word\")\n"
    "\t\tfi\n"
    "\tdone\n"
    "\tword=${COMP_WORDS[COMP_CWORD]}\n"
    "\t[[ $word == [=:] ]] && word=\"\"\n"
    "\tjoined=${words[${#words[@]} - 1]}\n"
    "\tjoined=${joined%\"$word\"}\n"
    "\tCOMPREPLY=()\n"
    "\twhile IFS=$'\\t' read -r candidate help; do\n"
    "\t\tcase $candidate in\n"
    "\t\t:file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
    "\t\t:dir) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
    "\t\t*) COMPREPLY+=(\"${candidate#\"$joined\"}\") ;;\n"
    "\t\tesac\n"
    "\tdone < <(litevpnctl complete \"${words[@]}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _litevpnctl litevpnctl\n";

static const char zsh[] =
    "#compdef litevpnctl\n"
    "_litevpnctl() {\n"
    "\tlocal line candidate help\n"
    "\tlocal -a candidates\n"
    "\tfor line in \"${(@f)$(litevpnctl complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "\t\tcandidate=${line%%$'\\t'*} help=${line#*$'\\t'}\n"
    "\t\tcase $candidate in\n"
    "\t\t'') ;;\n"
    "\t\t:file) compset -P '--*='; _files; return ;;\n"
    "\t\t:dir) compset -P '--*='; _files -/; return ;;\n"
    "\t\t*) candidates+=(\"${candidate//:/\\\\:}:$help\") ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\t_describe litevpnctl candidates\n"
    "}\n"
    "if [[ $funcstack[1] == _litevpnctl ]]; then\n"
    "\t_litevpnctl \"$@\"\n"
    "else\n"
    "\tcompdef _litevpnctl litevpnctl\n"
    "fi\n";

static const char fish[] =
    "function __litevpnctl_complete\n"
    "\tset -l words (commandline -opc) (commandline -ct)\n"
    "\tset -l last (commandline -ct)\n"
    "\tfor line in (litevpnctl complete $words[2..-1] 2>/dev/null)\n"
    "\t\tset -l parts (string split \\t -- $line)\n"
    "\t\tset -l typed (string replace -- \"$parts[2]\" '' \"$last\")\n"
    "\t\tswitch $parts[1]\n"
    "\t\t\tcase ':file'\n"
    "\t\t\t\tprintf \"$parts[2]%s\\n\" (__fish_complete_path $typed)\n"
    "\t\t\tcase ':dir'\n"
    "\t\t\t\tprintf \"$parts[2]%s\\n\" (__fish_complete_directories $typed '')\n"
    "\t\t\tcase '*'\n"
    "\t\t\t\techo $line\n"
    "\t\tend\n"
    "\tend\n"
    "end\n"
    "complete -c litevpnctl -f -a '(__litevpnctl_complete)'\n";

enum cli_exit
cmd_completion(const struct cli *cli)
{
	static const char *const texts[] = { bash, zsh, fish };
	const char *shell = cli->args.operands[0];

	for (size_t i = 0; cmd_completion_shells[i] != NULL; i++) {
		if (strcmp(shell, cmd_completion_shells[i]) == 0)
			fputs(texts[i], stdout);
	}
	return CLI_OK;
}
