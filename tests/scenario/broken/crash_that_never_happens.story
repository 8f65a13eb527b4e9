# fails: this never happened: a crash of
story: It kills a node at a record that is never written
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east after writing REFUSED
settle s1 100.00 of li at care
expect s1 done
