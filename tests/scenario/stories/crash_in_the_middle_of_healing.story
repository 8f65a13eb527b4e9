story: A store that was put back dies again while it is being healed: it begins again and ends well
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
wait 2s
restore east
hold every replay from home to east as late
restart east
expect alarm resync_needed at east
for 3s expect east is resync
crash east
let replay pass from home to east
restart east
expect east is open
expect s1 COMMITTED at east
expect wang has 430.00
