story: All three stores are put back to one moment: what happened after it is gone everywhere, and the books agree
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
back up care
back up home
back up east
settle s2 10.00 of li at care
expect s2 done
expect everything decided
crash care
crash home
crash east
wait 2s
restore care
restore home
restore east
restart care
restart home
restart east
wait 5s
expect wang has 430.00
settle s3 20.00 of li at care
expect s3 paid by wang 20.00
expect wang has 410.00
