story: The home's store is put back: it learns again who paid what
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up home
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash home
wait 2s
restore home
restart home
expect alarm resync_needed at home
expect home is open
expect s1 COMMITTED at home
expect li has 0.00
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
