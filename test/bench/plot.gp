# SPDX-License-Identifier: GPL-2.0-only
# The comparison as a picture, from report.py's data:
#	gnuplot -e "data='FILE'; title='TEXT'" plot.gp > FILE.svg
# On a ground of its own, so that it can be read on a dark page too.

set terminal svg size 960,500 font 'sans-serif,13' background '#fbfbf9'
set border 3 lc rgb '#555555'
set tics nomirror textcolor rgb '#222222'
set grid ytics lc rgb '#dddddd'
set multiplot title title font ',12' textcolor rgb '#555555'

array names[8] = ['kmsg\_queue', 'POSIX mq', 'SysV msg', 'pipe, packets', \
	'FIFO', 'AF\_UNIX dgram', 'AF\_UNIX seqpacket', \
	'floor (no queue)']
array colors[8] = ['#d1242f', '#0969da', '#1a7f37', '#9a6700', '#c47f17', \
	'#8250df', '#bf3989', '#777777']
width(i) = i == 1 ? 4 : 1.8

set origin 0, 0.17
set size 0.5, 0.78
set title 'One write and one read: instructions'
set xlabel 'bytes of a message'
set logscale x 2
set logscale y 2
set xrange [16:70000]
set xtics (16, 64, 256, '1 K' 1024, '4 K' 4096, '64 K' 65536, '16 K' 16384)
set ytics (1000, 2000, 4000, 8000, 16000, 32000)
set key off
plot for [i=7:1:-1] data index 0 using 1:(column(i + 1)) with lines \
	lw width(i) lc rgb colors[i], \
	data index 0 using 1:9 with lines lw 1.8 dt 2 lc rgb colors[8]

set origin 0.5, 0.17
set title 'Two processors: time for a message, POSIX mq = 1'
set xlabel 'writers x readers'
unset logscale
set logscale y 2
set xrange [*:*]
set yrange [1.0/16:8]
set xtics auto
set ytics ('1/16' 0.0625, '1/8' 0.125, '1/4' 0.25, '1/2' 0.5, 1, 2, 4, 8)
set style data histogram
set style histogram clustered gap 1
set style fill solid
plot for [i=1:7] data index 1 using (column(i + 1)):xtic(1) lc rgb colors[i]

# The key, for both.
set origin 0, 0
set size 1, 0.16
unset title
unset xlabel
unset tics
unset border
unset grid
unset logscale
set xrange [0:1]
set yrange [0:1]
set key center center horizontal maxrows 2 samplen 2 textcolor rgb '#222222'
plot for [i=1:7] NaN with lines lw width(i) + 1 lc rgb colors[i] \
	title names[i], \
	NaN with lines lw 2.8 dt 2 lc rgb colors[8] title names[8]
unset multiplot
