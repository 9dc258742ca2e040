# SPDX-License-Identifier: Apache-2.0
# How many times the others litevpn is: gnuplot -e "tsv='tunnel.tsv'; png='tunnel.png'" tunnel.gp
# One panel per baseline, a bar per metric where more is better.
set terminal pngcairo noenhanced size 1000,420 font ",10"
set output png
set datafile separator "\t"
set style data histogram
set style fill solid 0.8 noborder
set boxwidth 0.7
set grid y lc rgb "#dddddd"
set logscale y 2
set yrange [0.25:*]
set ylabel "times the baseline"
set xtics rotate by -25 nomirror
unset key
rows(base) = "< awk -F'\t' -v b='".base."' 'NR > 1 && index($4, b) == 1 && $1 ~ /gbps|kpps|mbps/ \
	&& $1 !~ /^(tls|openssl|workers2)_/ { print $1 \"\\t\" $6 }' ".tsv
set multiplot layout 1,2
set title "OpenVPN 2.6, UDP, AES-256-GCM"
plot rows("openvpn") using 2:xtic(1) lc rgb "#3a7d44", 1 with lines lc rgb "#888888"
set title "wireguard-go, with offloads"
plot rows("wireguard") using 2:xtic(1) lc rgb "#3a7d44", 1 with lines lc rgb "#888888"
unset multiplot
