story: A copy that holds everything is put back: nothing is missed and nobody is called
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
back up east
wait 2s
restore east
restart east
expect east is open
expect no alarm at east
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
expect wang has 420.00
