story: A store is put back and its witness file is gone as well: gate and RESYNC, then it works
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
restart east without witness
expect alarm resync_needed at east
expect east is open
expect wang has 430.00
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
