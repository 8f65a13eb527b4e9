story: Two provinces' stores are put back at once: they do not wait for each other for ever
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
back up home
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
crash home
wait 2s
restore east
restore home
restart east
restart home
expect alarm resync_needed at east
expect alarm resync_needed at home
expect east is open
expect home is open
expect li has 0.00
expect wang has 430.00
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
