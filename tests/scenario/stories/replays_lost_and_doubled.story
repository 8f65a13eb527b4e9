story: Replays of one peer are lost for a while, those of the other come twice: the store is healed once
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
refund r1 40.00 of s1
expect r1 done
expect everything decided
crash east
wait 2s
restore east
lose every replay from home to east
duplicate every replay from care to east
restart east
expect alarm resync_needed at east
for 10s expect east is resync
let replay pass from home to east
expect east is open
expect wang has 470.00
