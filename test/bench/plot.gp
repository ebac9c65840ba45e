# SPDX-License-Identifier: GPL-2.0-only
# The comparison as a picture, from report.py's data:
#	gnuplot DATA plot.gp > FILE.svg
# With a background of its own, so that it can be read on a dark page too.

set terminal svg noenhanced size 960,460 font 'sans-serif,13' \
	background '#fbfbf9'
set border 3 lc rgb '#555555'
set tics nomirror textcolor rgb '#222222'
set multiplot

# kmsg_queue, POSIX mq, SysV msg, packet FIFO, byte FIFO, AF_UNIX, no queue
array colors[7] = [0xd1242f, 0x0969da, 0x1a7f37, 0xb08800, 0xbc4c00, 0x8250df, \
	0x777777]
width(i) = i == 1 ? 4 : i == 4 ? 5 : 2
dash(i) = i == 5 || i == 7 ? 2 : 1

set key off
set origin 0, 0
set size 0.52, 1
set lmargin 8
set rmargin 17
set tmargin 4
set bmargin 5
set title "One write and one read:\ninstructions (lower is better)"
set xlabel 'bytes in a message'
set logscale x 2
set logscale y 2
set grid ytics lc rgb '#dddddd'
set xrange [16:70000]
set yrange [1000:140000]
set xtics (16, 64, 256, '1 Ki' 1024, '4 Ki' 4096, '16 Ki' 16384, '64 Ki' 65536)
set ytics (1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000)
set label 1 title.'. Right: with context switches, ' \
	.'space for 1000 messages. Dashed, hollow: no message boundaries.' \
	at screen 0.99, 0.03 right font ',11' textcolor rgb '#555555'
# Dashed lines over solid ones, ours over all.
plot $lines using 1:5 with linespoints lw width(4) pt 7 ps 0.6 lc rgb colors[4], \
	for [i in '7 6 5 3 2 1'] $lines using 1:(column(i + 1)) with linespoints \
		lw width(i) dt dash(i) pt 7 ps 0.4 lc rgb colors[i+0], \
	$labels using 1:2:4:(colors[int($3)]) with labels left offset 1,0 \
		textcolor rgb variable
unset label 1

set origin 0.5, 0
set size 0.5, 1
set lmargin 22
set rmargin 3
set title "Several processes, 64-byte messages:\n"\
	."instructions, POSIX mq = 1 (lower is better)"
unset xlabel
unset logscale
set logscale x 2
unset grid
set grid xtics lc rgb '#dddddd'
set xrange [*:*]
set yrange [-0.6:5.6]
set xtics ('1/4' 0.25, '1/2' 0.5, '3/4' 0.75, 1, '1.5' 1.5, 2, 3, 4, 6, 8, 16)
set ytics ()
set arrow from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb colors[2] back
set for [i=0:4] arrow from graph 0, first i + 0.5 to graph 1, first i + 0.5 \
	nohead lc rgb '#eeeeee' back
plot $shapes using (NaN):1:ytic(2) with points, \
	$dots using ($3 == 5 ? NaN : $1):2:(colors[int($3)]) with points pt 7 \
		ps 0.9 lc rgb variable, \
	$dots using ($3 == 5 ? $1 : NaN):2 with points pt 6 ps 0.9 lw 2 \
		lc rgb colors[5]
unset multiplot
